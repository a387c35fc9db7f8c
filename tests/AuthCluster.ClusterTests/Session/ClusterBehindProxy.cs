using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Session;

/// <summary>Two servers behind a proxy that stands between them and a database of their own; shared by the tests of its outages.</summary>
public sealed class ClusterBehindProxy : IAsyncDisposable
{
    private readonly Dictionary<DatabaseKind, ClusterUnderTest> _clusters = [];
    private readonly Dictionary<DatabaseKind, TcpProxy> _proxies = [];
    private PostgresServer? _postgres;

    /// <summary>An administrator.</summary>
    public TestClient Admin { get; } = TestClient.New("boss");

    /// <summary>APIs that may ask about the tokens of <see cref="Asked"/> and <see cref="Cold"/>.</summary>
    public IReadOnlyList<TestClient> Apis { get; } = TestClient.Many("api", 2);

    /// <summary>A client of these APIs.</summary>
    public TestClient Asked { get; } = TestClient.New("asked");

    /// <summary>A client of these APIs that is in no silo's memory until somebody asks about <see cref="ColdToken"/>.</summary>
    public TestClient Cold { get; } = TestClient.New("cold");

    /// <summary>A token of <see cref="Cold"/>.</summary>
    public string ColdToken { get; private set; } = "";

    /// <summary>The monthly quota of each client of <see cref="Counted"/>.</summary>
    public const int Quota = 300;

    /// <summary>The permits of the quota that are reserved at a time, 5 %.</summary>
    public const int QuotaBlock = Quota / 20;

    /// <summary>A client with a quota, by the outage that it is for.</summary>
    public IReadOnlyDictionary<ProxyMode, TestClient> Counted { get; } =
        Enum.GetValues<ProxyMode>().ToDictionary(mode => mode, mode => TestClient.New($"counted-{mode}"));

    /// <summary>The PostgreSQL server of these clusters alone, which a test may kill and start again.</summary>
    public PostgresServer Postgres => _postgres ?? throw new InvalidOperationException("No cluster was made on PostgreSQL yet.");

    /// <summary>Clients by the outage that they are for; those that are not asked for stay cold.</summary>
    public IReadOnlyDictionary<ProxyMode, IReadOnlyList<TestClient>> Clients { get; } =
        Enum.GetValues<ProxyMode>().ToDictionary(mode => mode, mode => TestClient.Many($"client-{mode}", 200));

    /// <summary>The cluster on such a database, running, and its proxy.</summary>
    public async Task<(ClusterUnderTest Cluster, TcpProxy Proxy)> OnAsync(DatabaseKind kind)
    {
        if (!_clusters.TryGetValue(kind, out var cluster))
        {
            var database = kind == DatabaseKind.PostgreSql ? await CreatePostgresAsync() : await TestDatabase.CreateAsync(kind);
            var proxy = _proxies[kind] = new TcpProxy(database);
            _clusters[kind] = cluster = ClusterUnderTest.Through(
                proxy,
                database,
                [
                    .. Clients.Values.SelectMany(clients => clients).Select(client => client.Document()),
                    .. Counted.Values.Select(client => client.Document($$"""{ "quota": { "tokens": {{Quota}}, "per": "month" } }""")),
                    Admin.Document(TestClient.Administers),
                    .. Apis.Select(api => api.Document("""{ "introspects": ["https://api.example"] }""")),
                    .. ((TestClient[])[Asked, Cold]).Select(client => client.Document("""{ "audiences": ["https://api.example"] }""")),
                ]);

            // A start leaves every client that it created in memory. So one server creates them and ends; the servers after it have none in memory.
            var maker = cluster.Add();
            await maker.StartAsync(TestContext.Current.CancellationToken);
            using (var caller = new Caller())
            {
                ColdToken = await caller.TokenAsync(maker, Cold);
            }

            await maker.StopAsync(TestContext.Current.CancellationToken);
            cluster.Forget(maker);
            await cluster.StartNodesAsync(2, node => node["AuthCluster:Bootstrap:ClientsFile"] = null);
        }

        // A failed test may have left the database away.
        _proxies[kind].Set(ProxyMode.Forward);
        await BothReadAsync(cluster);
        return (cluster, _proxies[kind]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (kind, cluster) in _clusters)
        {
            await cluster.DisposeAsync();
            await _proxies[kind].DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    /// <summary>After the outage of the test before, each silo finds by itself that storage is well again.</summary>
    private static async Task BothReadAsync(ClusterUnderTest cluster)
    {
        // The hash of an unknown id decides which silo looks it up: with this many ids, each silo looks up some.
        const int LookUps = 12;
        using var caller = new Caller();
        IReadOnlyList<Sample> last = [];
        try
        {
            await Eventually.HoldsAsync(
                "both silos read storage",
                // Long: a silo that hung in the test before may have to come back first.
                TimeSpan.FromSeconds(30),
                async () =>
                {
                    last = await Task.WhenAll(Enumerable.Range(0, LookUps).Select(i => caller.AskAsync(cluster.Nodes[i % cluster.Nodes.Count], TestClient.New($"nobody-{i}"))));
                    return last.All(sample => sample.Status == 401);
                },
                TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Not both silos read storage. The last answers:\n{string.Join('\n', last)}\n{cluster.Outputs()}");
        }
    }

    private async Task<TestDatabase> CreatePostgresAsync()
    {
        PostgresServer.Need();
        _postgres = await PostgresServer.StartAsync(fsync: true, TestContext.Current.CancellationToken);
        return await TestDatabase.CreateAsync(_postgres);
    }
}

/// <summary>The tests that share it.</summary>
[CollectionDefinition(nameof(ClusterBehindProxy))]
public sealed class ClusterBehindProxyTests : ICollectionFixture<ClusterBehindProxy>;
