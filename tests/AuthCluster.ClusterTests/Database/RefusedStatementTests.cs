using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Database;

/// <summary>
/// A database that answers with refusals or unknown data: a right is missing, or a newer build stored what this build does not know.
/// </summary>
public sealed class RefusedStatementTests
{
    // A superuser has every right, whatever was revoked.
    private const string Role = "without_superpowers";

    // Each silo reads the keys once a second.
    private static readonly TimeSpan SomeReadings = TimeSpan.FromSeconds(3);

    private readonly TestClient _client = TestClient.New("caller");
    private readonly TestClient _reader = TestClient.New("reader");
    private readonly TestClient _admin = TestClient.New("boss");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refused_statement_is_a_503_that_ends_no_silo_and_keys_are_followed_again_once_it_is_allowed()
    {
        await using var cluster = await ClusterUnderTest.CreateAsync(
            DatabaseKind.PostgreSql,
            _client.Document(), _reader.Document("""{ "scopes": ["authcluster:introspect"] }"""), _admin.Document(TestClient.Administers));
        await cluster.Database.QueryAsync($"create role {Role} login; grant all on schema public to {Role}");
        await cluster.StartNodesAsync(2, node => node["AuthCluster:Storage:ConnectionString"] += $";Username={Role}");
        var silos = cluster.Nodes.Select(node => node.ProcessId).ToList();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, [_client, _reader]);
        var token = await caller.TokenAsync(cluster.Nodes[0], _admin);
        Assert.Equal(200, await StatusAsync(caller, cluster.Nodes[0], HttpMethod.Get, "/admin/v1/audit", token));
        Assert.Equal(200, (await caller.At(cluster.Nodes[0]).FeedAsync(_reader)).Status);
        Assert.Equal(2, await KeysAsync(caller, cluster.Nodes[0]));

        await cluster.Database.QueryAsync(
            $"revoke select on key_ring, audit, revocation from {Role}; revoke update on generation_floor from {Role}");
        await cluster.Database.QueryAsync("update signing_key set state = 'revoked' where state = 'pending'; update key_ring set version = version + 1");
        await Task.Delay(SomeReadings, Cancellation);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(200, (await caller.AskAsync(node, _client)).Status);
            Assert.Equal(503, await StatusAsync(caller, node, HttpMethod.Get, "/admin/v1/audit", token));
            Assert.Equal(503, await StatusAsync(caller, node, HttpMethod.Post, "/admin/v1/revoke-tokens", token));
            Assert.Equal(503, (await caller.At(node).FeedAsync(_reader)).Status);
            Assert.Equal(2, await KeysAsync(caller, node));
        }

        await cluster.Database.QueryAsync(
            $"grant select on key_ring, audit, revocation to {Role}; grant update on generation_floor to {Role}");
        await FollowedAsync(caller, cluster, keys: 1);

        await cluster.Database.QueryAsync("alter table signing_key drop constraint signing_key_state_check");
        await cluster.Database.QueryAsync("update signing_key set state = 'of the future' where state = 'revoked'; update key_ring set version = version + 1");
        await Task.Delay(SomeReadings, Cancellation);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(200, (await caller.AskAsync(node, _client)).Status);
            Assert.Equal(1, await KeysAsync(caller, node));
        }

        await cluster.Database.QueryAsync("update signing_key set state = 'pending' where state = 'of the future'; update key_ring set version = version + 1");
        await FollowedAsync(caller, cluster, keys: 2);

        Assert.Equal(200, await StatusAsync(caller, cluster.Nodes[0], HttpMethod.Get, "/admin/v1/audit", token));
        Assert.Equal(silos, cluster.Nodes.Select(node => node.ProcessId));
        Assert.All(cluster.Nodes, node => Assert.Contains("permission denied for table", node.Output, StringComparison.Ordinal));
    }

    private static Task FollowedAsync(Caller caller, ClusterUnderTest cluster, int keys) => Eventually.HoldsAsync(
        $"all nodes publish {keys} keys",
        TimeSpan.FromSeconds(5),
        async () => (await Task.WhenAll(cluster.Nodes.Select(node => KeysAsync(caller, node)))).All(count => count == keys),
        Cancellation);

    private static async Task<int> KeysAsync(Caller caller, ServerProcess node) =>
        JsonElement.Parse(await caller.TryGetAsync(node, "/.well-known/jwks.json") ?? "{}").GetProperty("keys").GetArrayLength();

    private static async Task<int> StatusAsync(Caller caller, ServerProcess node, HttpMethod method, string path, string token)
    {
        using var answer = await caller.SendAsync(node, method, path, token);
        return (int)answer.StatusCode;
    }
}
