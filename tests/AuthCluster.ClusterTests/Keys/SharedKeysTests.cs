using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Keys;

/// <summary>One key ring and one floor for all nodes, and what the admin API says of the cluster.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class SharedKeysTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task All_nodes_publish_the_same_keys_and_an_emergency_revocation_holds_on_each_when_it_has_answered(DatabaseKind kind)
    {
        const int Rounds = 5;
        var admin = silos.Admin;
        var clients = silos.Clients.Take(12).ToList();
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        var published = await Task.WhenAll(cluster.Nodes.Select(node => caller.TryGetAsync(node, "/.well-known/jwks.json")));
        Assert.NotNull(published[0]);
        Assert.Single(published.Distinct());
        await Activations.WarmAsync(caller, cluster.Nodes, clients);

        for (var round = 0; round < Rounds; round++)
        {
            var before = await GenerationsAsync(caller, cluster.Nodes, clients);
            var token = await caller.TokenAsync(cluster.Nodes[round % 3], admin);
            var sent = caller.Now;
            using var answer = await caller.SendAsync(cluster.Nodes[round % 3], HttpMethod.Post, "/admin/v1/revoke-tokens", token);
            Assert.Equal(204, (int)answer.StatusCode);
            TestContext.Current.TestOutputHelper?.WriteLine($"revoke-tokens on three nodes took {(caller.Now - sent).TotalMilliseconds:f0} ms");

            var after = await GenerationsAsync(caller, cluster.Nodes, clients);
            Assert.All(after, generation => Assert.True(generation > before.Max(), $"{generation} is not above {before.Max()}"));
            foreach (var node in cluster.Nodes)
            {
                using var dead = await caller.SendAsync(node, HttpMethod.Get, "/admin/v1/clients", token);
                Assert.Equal(401, (int)dead.StatusCode);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task The_admin_api_and_the_metrics_of_any_node_report_every_active_silo(DatabaseKind kind)
    {
        var admin = silos.Admin;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        foreach (var node in cluster.Nodes)
        {
            await caller.TokenAsync(node, admin);
        }

        Assert.Equal(3, (await SilosAsync(cluster.Nodes[1])).Count);
        // Each reading gets a token, so the rate does not fall back to 0 while the test waits.
        await Eventually.HoldsAsync(
            "the silos report the administrator's tokens",
            TimeSpan.FromSeconds(20),
            async () => await ReportedAsync(cluster.Nodes[1], "activations") >= 1 && await ReportedAsync(cluster.Nodes[1], "tokensPerSecond") > 0,
            Cancellation);
        await MetricIsAsync(cluster.Nodes[1], "authcluster_cluster_silos", 3);
        var activations = await Task.WhenAll(cluster.Nodes.Select(node => caller.MetricAsync(node, "authcluster_cluster_activations")));
        Assert.True(activations.Sum() >= 1, "The administrator is in the memory of a silo.");
        await cluster.Nodes[2].KillAsync();
        await Eventually.HoldsAsync(
            "the killed silo is gone from the list", TimeSpan.FromSeconds(5), async () => (await SilosAsync(cluster.Nodes[0])).Count == 2, Cancellation);
        await MetricIsAsync(cluster.Nodes[0], "authcluster_cluster_silos", 2);

        // The server renders the page a few times a second.
        Task MetricIsAsync(ServerProcess node, string name, double value) => Eventually.HoldsAsync(
            $"{name} is {value}", TimeSpan.FromSeconds(5), async () => await caller.MetricAsync(node, name) == value, Cancellation);

        async Task<double> ReportedAsync(ServerProcess node, string member) =>
            (await SilosAsync(node)).Sum(silo => silo.TryGetProperty(member, out var value) ? value.GetDouble() : 0);

        async Task<List<JsonElement>> SilosAsync(ServerProcess node)
        {
            using var answer = await caller.SendAsync(node, HttpMethod.Get, "/admin/v1/cluster", await caller.TokenAsync(node, admin));
            var body = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.True(answer.IsSuccessStatusCode, body);
            var silos = JsonElement.Parse(body).GetProperty("silos").EnumerateArray().ToList();
            foreach (var silo in silos.Where(silo => silo.TryGetProperty("version", out _)))
            {
                Assert.Equal("active", silo.GetProperty("status").GetString());
                Assert.NotEqual("", silo.GetProperty("name").GetString());
                Assert.True(silo.GetProperty("startedAt").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-10));
            }

            return silos;
        }
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_front_end_with_another_key_encryption_key_ends_with_one_sentence_and_exit_code_1(DatabaseKind kind)
    {
        var cluster = await silos.OnAsync(kind);
        var front = cluster.Add(node =>
        {
            node["AuthCluster:Role"] = "FrontEnd";
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
            node["AuthCluster:Keys:EncryptionKey"] = Convert.ToBase64String(new byte[32]);
        });

        try
        {
            Assert.Equal(1, await front.RunToExitAsync(Cancellation));
        }
        finally
        {
            cluster.Forget(front);
            await front.DisposeAsync();
        }

        Assert.Contains(
            front.OutputOfThisRun.Split('\n'),
            line => line.StartsWith("AuthCluster:Keys:EncryptionKey is not the key that the stored keys were wrapped under; ", StringComparison.Ordinal));
    }

    private static async Task<List<long>> GenerationsAsync(Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> clients)
    {
        var tokens = await Task.WhenAll(clients.SelectMany(client => nodes.Select(node => caller.TokenAsync(node, client))));
        // RFC 9068 section 2.2: ids are unique over all nodes.
        Assert.Equal(tokens.Length, tokens.Select(token => Caller.ClaimsOf(token).GetProperty("jti").GetString()).Distinct().Count());
        return [.. tokens.Select(Caller.GenerationOf)];
    }
}
