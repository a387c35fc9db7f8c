using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Revocation;

/// <summary>A token that was revoked at one server is inactive at every other as soon as the call has answered, and stays so.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class EveryNodeTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_revocation_of_any_kind_holds_on_every_server_when_it_has_answered_and_the_next_token_works_on_all()
    {
        var clients = silos.Revoked.Take(5).ToList();
        var cluster = await silos.OnAsync(DatabaseKind.PostgreSql);
        using var caller = new Caller();
        string[] kinds = ["revoke", "revoke-tokens", "disable", "delete", "all"];
        foreach (var (kind, client, round) in kinds.Zip(clients, Enumerable.Range(0, kinds.Length)))
        {
            var (here, there) = (cluster.Nodes[round % 3], cluster.Nodes[(round + 1) % 3]);
            var token = await caller.TokenAsync(there, client);
            Assert.All(await AskAllAsync(token), active => Assert.True(active, kind));
            var cursor = (await caller.At(there).FeedToEndAsync(silos.Api)).Next;

            await RevokeAsync(kind, here, client, token);

            Assert.All(await AskAllAsync(token), active => Assert.False(active, kind));
            foreach (var node in cluster.Nodes)
            {
                Assert.Single((await caller.At(node).FeedToEndAsync(silos.Api, kind == "all" ? null : cursor)).Items, item => Ends(item, kind, token, client));
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
            await Task.WhenAll(cluster.Nodes.Select(async node => (await caller.At(node).IntrospectAsync(silos.Api, token)).Active));

        async Task RevokeAsync(string kind, ServerProcess node, TestClient client, string token)
        {
            if (kind == "revoke")
            {
                Assert.Equal(200, (await caller.At(node).RevokeAsync(client, token)).Status);
                return;
            }

            var bearer = await caller.TokenAsync(node, silos.Admin);
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
        var clients = silos.Revoked.Skip(5).Take(30).ToList();
        var cluster = await silos.OnAsync(DatabaseKind.PostgreSql);
        using var caller = new Caller();
        var dead = await Task.WhenAll(clients.Select(client => caller.TokenAsync(cluster.Nodes[0], client)));
        var alive = await Task.WhenAll(clients.Select(client => caller.TokenAsync(cluster.Nodes[0], client)));
        var cursor = (await caller.At(cluster.Nodes[1]).FeedToEndAsync(silos.Api)).Next;
        await Task.WhenAll(clients.Select(async (client, i) => Assert.Equal(200, (await caller.At(cluster.Nodes[i % 3]).RevokeAsync(client, dead[i])).Status)));

        // The grains of the thirty clients are spread over the servers, so some of them were in this one.
        await cluster.Nodes[0].KillAsync();
        await JudgedAsync(cluster.Nodes[1]);
        Assert.Equal(clients.Count, (await caller.At(cluster.Nodes[2]).FeedToEndAsync(silos.Api, cursor)).Items.Count);

        await Task.WhenAll(cluster.Nodes.Skip(1).Select(node => node.KillAsync()));
        await Task.WhenAll(cluster.Nodes.Select(node => node.StartAsync(Cancellation)));
        foreach (var node in cluster.Nodes)
        {
            await JudgedAsync(node);
        }

        Assert.Equal(clients.Count, (await caller.At(cluster.Nodes[0]).FeedToEndAsync(silos.Api, cursor)).Items.Count);

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
            await Eventually.HoldsAsync("the server knows", TimeSpan.FromSeconds(60), async () => (active = (await caller.At(node).IntrospectAsync(silos.Api, token)).Active) is not null, Cancellation);
            return active!.Value;
        }
    }

    [Fact]
    public async Task Past_ten_thousand_revoked_tokens_a_client_is_told_to_slow_down_on_every_server_until_it_revokes_them_all()
    {
        var client = silos.Revoked[^1];
        var cluster = await silos.OnAsync(DatabaseKind.PostgreSql);
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
            Assert.True((await caller.At(node).IntrospectAsync(silos.Api, token)).Active);
        }

        using var all = await caller.SendAsync(
            cluster.Nodes[1], HttpMethod.Post, $"/admin/v1/clients/{client.Id}/revoke-tokens", await caller.TokenAsync(cluster.Nodes[1], silos.Admin));
        Assert.True(all.IsSuccessStatusCode);
        Assert.False((await caller.At(cluster.Nodes[0]).IntrospectAsync(silos.Api, token)).Active);
    }

    /// <summary>Whether an item of the feed says that a token ended by such a revocation.</summary>
    private static bool Ends(JsonElement item, string kind, string token, TestClient client)
    {
        var what = item.GetProperty("kind").GetString();
        return item.GetProperty("gen").GetInt64() > Caller.GenerationOf(token) && kind switch
        {
            "revoke" => what == "token" && item.GetProperty("value").GetString() == Caller.ClaimsOf(token).GetProperty("jti").GetString(),
            "all" => what == "all",
            _ => what == "client" && item.GetProperty("value").GetString() == client.Id,
        };
    }
}
