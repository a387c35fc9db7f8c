using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Session;

/// <summary>
/// Three servers that tests share, since their start is what takes longest. A test leaves the cluster sound: it may end servers, which
/// the next test finds started again.
/// </summary>
public sealed class ThreeSilos : IAsyncDisposable
{
    /// <summary>How long a stopped server still serves.</summary>
    public static readonly TimeSpan Drain = TimeSpan.FromSeconds(2);

    private readonly Dictionary<DatabaseKind, ClusterUnderTest> _clusters = [];

    /// <summary>Clients without limits.</summary>
    public IReadOnlyList<TestClient> Clients { get; } = TestClient.Many("caller", 60);

    /// <summary>Clients with a bucket of <see cref="Burst"/> that hardly refills.</summary>
    public IReadOnlyList<TestClient> Limited { get; } = TestClient.Many("limited", 24);

    /// <summary>An API that may ask about the tokens of <see cref="Revoked"/>.</summary>
    public TestClient Api { get; } = TestClient.New("api");

    /// <summary>Clients of this API, for the tests that revoke tokens: each client for one test.</summary>
    public IReadOnlyList<TestClient> Revoked { get; } = TestClient.Many("revoked", 36);

    /// <summary>A client with a quota.</summary>
    public TestClient Counted { get; } = TestClient.New("counted");

    /// <summary>An administrator.</summary>
    public TestClient Admin { get; } = TestClient.New("boss");

    public int Quota { get; } = 3_000;

    public int Burst { get; } = 20;

    /// <summary>The cluster on such a database, all of it running.</summary>
    public async Task<ClusterUnderTest> OnAsync(DatabaseKind kind)
    {
        if (!_clusters.TryGetValue(kind, out var cluster))
        {
            _clusters[kind] = cluster = await ClusterUnderTest.CreateAsync(
                kind,
                [
                    .. Clients.Select(client => client.Document()),
                    .. Limited.Select(client => client.Document($$"""{ "rateLimit": { "tokensPerSecond": 0.01, "burst": {{Burst}} } }""")),
                    Api.Document("""{ "introspects": ["https://api.example"] }"""),
                    .. Revoked.Select(client => client.Document("""{ "audiences": ["https://api.example"] }""")),
                    Counted.Document($$"""{ "quota": { "tokens": {{Quota}}, "per": "month" } }"""),
                    Admin.Document(TestClient.Administers),
                ]);
            await cluster.StartNodesAsync(3, node => node["AuthCluster:Http:DrainDelay"] = $"{Drain}");
        }

        // A failed test may have left a server that hangs.
        foreach (var hung in cluster.Nodes.Where(node => node.IsPaused))
        {
            await hung.KillAsync();
        }

        var ended = cluster.Nodes.Where(node => !node.IsRunning).ToList();
        await Task.WhenAll(ended.Select(node => node.StartAsync(TestContext.Current.CancellationToken)));
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters.Values)
        {
            await cluster.DisposeAsync();
        }
    }
}

/// <summary>The tests that share them.</summary>
[CollectionDefinition(nameof(ThreeSilos))]
public sealed class ThreeSilosTests : ICollectionFixture<ThreeSilos>;
