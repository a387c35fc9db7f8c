using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Revocation;

/// <summary>A token that was revoked at one server is inactive at every other as soon as the call has answered, and stays so.</summary>
public sealed class EveryNodeTests
{
    private const string Audience = "https://api.example";

    private static readonly TestClient Admin = TestClient.New("admin");
    private static readonly TestClient Api = TestClient.New("api");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_revocation_of_any_kind_holds_on_every_server_when_it_has_answered_and_the_next_token_works_on_all()
    {
        var clients = TestClient.Many("caller", 5);
        await using var cluster = await StartAsync(clients);
        using var caller = new Caller();
        string[] kinds = ["revoke", "revoke-tokens", "disable", "delete", "all"];
        foreach (var (kind, client, round) in kinds.Zip(clients, Enumerable.Range(0, kinds.Length)))
        {
            var (here, there) = (cluster.Nodes[round % 3], cluster.Nodes[(round + 1) % 3]);
            var token = await caller.TokenAsync(there, client);
            Assert.All(await AskAllAsync(token), active => Assert.True(active, kind));
            var cursor = (await caller.At(there).FeedToEndAsync(Api)).Next;

            await RevokeAsync(kind, here, client, token);

            Assert.All(await AskAllAsync(token), active => Assert.False(active, kind));
            foreach (var node in cluster.Nodes)
            {
                var item = Assert.Single((await caller.At(node).FeedToEndAsync(Api, kind == "all" ? null : cursor)).Items, item => item.GetProperty("kind").GetString() == (kind == "revoke" ? "token" : kind == "all" ? "all" : "client") && (kind is "all" || IsOf(item, token, client)));
                Assert.True(Caller.GenerationOf(token) < item.GetProperty("gen").GetInt64());
            }

            if (kind is "disable" or "delete")
            {
                Assert.All(await Task.WhenAll(cluster.Nodes.Select(node => caller.AskAsync(node, client))), refused => Assert.Equal(401, refused.Status));
            }
            else
            {
                // A token asked for within the same second, at any server, is of the new generation.
                foreach (var node in cluster.Nodes)
                {
                    var next = await caller.TokenAsync(node, client);
                    Assert.All(await AskAllAsync(next), active => Assert.True(active, kind));
                }
            }
        }

        async Task<bool?[]> AskAllAsync(string token) =>
            await Task.WhenAll(cluster.Nodes.Select(async node => (await caller.At(node).IntrospectAsync(Api, token)).Active));

        async Task RevokeAsync(string kind, ServerProcess node, TestClient client, string token)
        {
            if (kind == "revoke")
            {
                Assert.Equal(200, (await caller.At(node).RevokeAsync(client, token)).Status);
                return;
            }

            var bearer = await caller.TokenAsync(node, Admin);
            using var answer = await caller.SendAsync(
                node,
                kind == "delete" ? HttpMethod.Delete : HttpMethod.Post,
                "/admin/v1" + (kind == "all" ? "/revoke-tokens" : kind == "delete" ? $"/clients/{client.Id}" : $"/clients/{client.Id}/{kind}"),
                bearer);
            Assert.True(answer.IsSuccessStatusCode, $"{kind}: {(int)answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Revocations_outlive_a_kill_of_any_server_and_a_restart_of_all()
    {
        var clients = TestClient.Many("caller", 30);
        await using var cluster = await StartAsync(clients);
        using var caller = new Caller();
        var dead = await Task.WhenAll(clients.Select(client => caller.TokenAsync(cluster.Nodes[0], client)));
        var alive = await Task.WhenAll(clients.Select(client => caller.TokenAsync(cluster.Nodes[0], client)));
        var cursor = (await caller.At(cluster.Nodes[1]).FeedToEndAsync(Api)).Next;
        await Task.WhenAll(clients.Select(async (client, i) => Assert.Equal(200, (await caller.At(cluster.Nodes[i % 3]).RevokeAsync(client, dead[i])).Status)));

        // The grains of the thirty clients are spread over the servers, so some of them were in this one.
        await cluster.Nodes[0].KillAsync();
        await JudgedAsync(cluster.Nodes[1]);
        Assert.Equal(clients.Count, (await caller.At(cluster.Nodes[2]).FeedToEndAsync(Api, cursor)).Items.Count);

        await Task.WhenAll(cluster.Nodes.Skip(1).Select(node => node.KillAsync()));
        await Task.WhenAll(cluster.Nodes.Select(node => node.StartAsync(Cancellation)));
        foreach (var node in cluster.Nodes)
        {
            await JudgedAsync(node);
        }

        Assert.Equal(clients.Count, (await caller.At(cluster.Nodes[0]).FeedToEndAsync(Api, cursor)).Items.Count);

        // While the cluster recovers, a server may answer that it does not know, but never wrongly.
        async Task JudgedAsync(ServerProcess node)
        {
            for (var i = 0; i < clients.Count; i++)
            {
                Assert.False(await AnswerAsync(node, dead[i]), $"token {i}");
                Assert.True(await AnswerAsync(node, alive[i]), $"token {i}");
            }
        }

        async Task<bool> AnswerAsync(ServerProcess node, string token)
        {
            bool? active = null;
            await Eventually.HoldsAsync("the server knows", TimeSpan.FromSeconds(60), async () => (active = (await caller.At(node).IntrospectAsync(Api, token)).Active) is not null, Cancellation);
            return active!.Value;
        }
    }

    [Fact]
    public async Task Past_ten_thousand_revoked_tokens_a_client_is_told_to_slow_down_on_every_server_until_it_revokes_them_all()
    {
        var client = TestClient.New("prolific");
        await using var cluster = await ClusterUnderTest.StartAsync(DatabaseKind.PostgreSql, 2, Documents([client]));
        using var caller = new Caller();
        var token = await caller.TokenAsync(cluster.Nodes[0], client);
        await cluster.Database.QueryAsync(
            $"""
            insert into revocation (kind, client_id, value, gen, expires_at)
            select 'token', '{client.Id}', 'jti-' || i, {Caller.GenerationOf(token) + 1}, now() + interval '1 hour' from generate_series(1, 10000) i
            """);

        foreach (var node in cluster.Nodes)
        {
            var refused = await caller.At(node).RevokeAsync(client, token);
            Assert.Equal(429, refused.Status);
            Assert.Equal("slow_down", refused.Json.GetProperty("error").GetString());
            Assert.True(refused.RetryAfter > TimeSpan.Zero);
            Assert.True((await caller.At(node).IntrospectAsync(Api, token)).Active);
        }

        using var all = await caller.SendAsync(
            cluster.Nodes[1], HttpMethod.Post, $"/admin/v1/clients/{client.Id}/revoke-tokens", await caller.TokenAsync(cluster.Nodes[1], Admin));
        Assert.True(all.IsSuccessStatusCode);
        Assert.False((await caller.At(cluster.Nodes[0]).IntrospectAsync(Api, token)).Active);
    }

    private static Task<ClusterUnderTest> StartAsync(IEnumerable<TestClient> callers) =>
        ClusterUnderTest.StartAsync(DatabaseKind.PostgreSql, 3, Documents(callers));

    private static IEnumerable<System.Text.Json.Nodes.JsonObject> Documents(IEnumerable<TestClient> callers) =>
    [
        Admin.Document("""{ "scopes": ["authcluster:admin"] }"""),
        Api.Document($$"""{ "introspects": ["{{Audience}}"] }"""),
        .. callers.Select(client => client.Document($$"""{ "audiences": ["{{Audience}}"] }""")),
    ];

    private static bool IsOf(System.Text.Json.JsonElement item, string token, TestClient client)
    {
        var value = item.GetProperty("value").GetString();
        return value == client.Id || System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1])).Contains($"\"{value}\"", StringComparison.Ordinal);
    }
}
