using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary>Two builds in one cluster, as during a rolling upgrade and during the way back from one.</summary>
public sealed class TwoBuildsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task This_build_and_a_newer_one_work_together_and_neither_loses_what_the_other_wrote(DatabaseKind kind)
    {
        using var newer = await NewerBuild.CompileAsync(Cancellation);
        var admin = TestClient.New("boss");
        var clients = TestClient.Many("upgraded", 16);
        // A client that has every stored part: a slow hash, a quota, what was created with an idempotency key, the last change.
        var full = new TestClient("full", "a secret that was given");
        await using var cluster = await ClusterUnderTest.CreateAsync(
            kind,
            [
                admin.Document(TestClient.Administers), full.Document("""{ "quota": { "tokens": 1000, "per": "month" } }"""),
                .. clients.Select(client => client.Document()),
            ]);
        var newNode = cluster.Add(node => node.Assembly = newer.Assembly);
        var oldNode = cluster.Add();
        using var caller = new Caller();

        // The newer build creates the clients; then this build runs alone and rewrites half of them.
        await newNode.StartAsync(Cancellation);
        await RenameAsync(newNode, full, "by the newer build");
        await SucceedsAsync(newNode, HttpMethod.Post, $"/admin/v1/clients/{full.Id}/secrets", "{}", key: "made-once");
        await caller.TokenAsync(newNode, full);
        await newNode.StopAsync(Cancellation);
        Assert.Equal(0, await CountAsync("\"outbox\":[{"));
        foreach (var part in (string[])["\"slowHash\":{", "\"quota\":{\"", "\"creations\":[{", "\"recent\":[{"])
        {
            Assert.NotEqual(0, await CountAsync(part));
        }

        var kept = await CountAsync(NewerBuild.StoredMember);
        Assert.InRange(kept, 2 * (clients.Count + 1), long.MaxValue);
        await oldNode.StartAsync(Cancellation);
        foreach (var client in clients.Take(8).Append(full))
        {
            await RenameAsync(oldNode, client, "by this build");
        }

        await caller.TokenAsync(oldNode, full);
        Assert.Equal(kept, await CountAsync(NewerBuild.StoredMember));
        foreach (var client in clients.Take(8))
        {
            var document = await SucceedsAsync(oldNode, HttpMethod.Get, $"/admin/v1/clients/{client.Id}");
            Assert.Equal("kept", JsonElement.Parse(document).GetProperty(NewerBuild.DocumentMember).GetString());
        }

        // Both builds run: each request arrives at one of them, and either may decide it.
        await newNode.StartAsync(Cancellation);
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        foreach (var (client, i) in clients.Select((client, i) => (client, i)))
        {
            Assert.Equal(i < 8 ? "by this build" : client.Id, await NameAsync(newNode, client));
            await RenameAsync(cluster.Nodes[i % 2], client, $"name {i}");
            Assert.Equal($"name {i}", await NameAsync(cluster.Nodes[(i + 1) % 2], client));
            var token = await caller.TokenAsync(cluster.Nodes[i % 2], client);
            Assert.True(await caller.At(cluster.Nodes[(i + 1) % 2]).IsActiveAsync(client, token));
            await SucceedsAsync(cluster.Nodes[i % 2], HttpMethod.Post, $"/admin/v1/clients/{client.Id}/secrets", "{}");
            await SucceedsAsync(cluster.Nodes[(i + 1) % 2], HttpMethod.Post, $"/admin/v1/clients/{client.Id}/revoke-tokens");
            Assert.False(await caller.At(cluster.Nodes[i % 2]).IsActiveAsync(client, token));
            await SucceedsAsync(cluster.Nodes[i % 2], HttpMethod.Get, $"/admin/v1/clients/{client.Id}/secrets");
            await SucceedsAsync(cluster.Nodes[i % 2], HttpMethod.Get, $"/admin/v1/clients/{client.Id}/usage");
        }

        foreach (var node in cluster.Nodes)
        {
            foreach (var path in (string[])["clients", "audit", "cluster", "reports/unused?days=1", "reports/expiring?days=1", "reports/usage"])
            {
                await SucceedsAsync(node, HttpMethod.Get, $"/admin/v1/{path}");
            }
        }

        await SucceedsAsync(oldNode, HttpMethod.Post, "/admin/v1/revoke-tokens");
        await SucceedsAsync(newNode, HttpMethod.Post, "/admin/v1/revoke-tokens");
        Assert.InRange(await CountAsync(NewerBuild.StoredMember), kept, long.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"{newer.SentRecords} records that are sent and {newer.StoredRecords} that are stored had a member more");
        Assert.True(newer.SentRecords > 40, $"Only {newer.SentRecords} records got a member: the test has shown nothing.");
        Assert.Equal(9, newer.StoredRecords);

        async Task<long> CountAsync(string text)
        {
            var (payload, length) = kind == DatabaseKind.PostgreSql
                ? ("convert_from(payload, 'UTF8')", "length")
                : ("cast(payload as varchar(max))", "len");
            return await cluster.Database.NumberAsync(
                $"select coalesce(sum(({length}({payload}) - {length}(replace({payload}, '{text}', ''))) / {text.Length}), 0) from grain_state");
        }

        Task RenameAsync(ServerProcess node, TestClient client, string name) =>
            SucceedsAsync(node, HttpMethod.Patch, $"/admin/v1/clients/{client.Id}", JsonSerializer.Serialize(new { name }), "application/merge-patch+json");

        async Task<string?> NameAsync(ServerProcess node, TestClient client) =>
            JsonElement.Parse(await SucceedsAsync(node, HttpMethod.Get, $"/admin/v1/clients/{client.Id}")).GetProperty("name").GetString();

        async Task<string> SucceedsAsync(ServerProcess node, HttpMethod method, string path, string? json = null, string mediaType = "application/json", string? key = null)
        {
            using var answer = await caller.SendAsync(node, method, path, await caller.TokenAsync(node, admin), json, mediaType, key);
            var body = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {body}\n{cluster.Outputs()}");
            return body;
        }
    }
}
