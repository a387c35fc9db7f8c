using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>
/// Three silos, each with a proxy of its own before the database, and a front end without a silo. Tests share them: a test may stop, kill or cut off
/// silos, which the next test finds sound again, and it takes clients that no other test has used.
/// </summary>
public sealed class FencedCluster : IAsyncDisposable
{
    private const int Unused = 260;
    private const int LimitedPerTest = 12;

    // Votes of silos that were cut off from each other are written, read and followed by then.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(6);

    private static readonly string Twins = Repository.PathOf("tests", "AuthCluster.TwinSilos", "bin", Repository.Configuration, "net10.0", "AuthCluster.TwinSilos.dll");

    private readonly Dictionary<ServerProcess, TcpProxy> _proxies = [];
    private readonly Queue<TestClient> _unused = new(TestClient.Many("fenced", Unused));
    private ClusterUnderTest? _cluster;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>An administrator.</summary>
    public TestClient Admin { get; } = TestClient.New("boss");

    /// <summary>Clients that nobody writes.</summary>
    public IReadOnlyList<TestClient> Steady { get; } = TestClient.Many("steady", 40);

    /// <summary>Clients with a bucket of <see cref="Burst"/> that refills by <see cref="PerSecond"/>, for one test each by its name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<TestClient>> Limited { get; } = new Dictionary<string, IReadOnlyList<TestClient>>(StringComparer.Ordinal)
    {
        ["kill"] = TestClient.Many("limited-kill", LimitedPerTest),
        ["stop"] = TestClient.Many("limited-stop", LimitedPerTest),
        ["twins"] = TestClient.Many("limited-twins", LimitedPerTest),
    };

    public int Burst { get; } = 10;

    public int PerSecond { get; } = 4;

    /// <summary>The setting <c>Cluster:OutageGrace</c> of the silos; null for the server's own.</summary>
    public string? OutageGrace { get; init; }

    /// <summary>Whether each silo activates every client that it is asked for, whichever other silos have activated it.</summary>
    public bool HasTwins { get; init; }

    /// <summary>A network in which each of them has a host of its own; null when all are on this host.</summary>
    internal TestNetwork? Network { get; init; }

    /// <summary>The silos.</summary>
    public IReadOnlyList<ServerProcess> Silos => [.. Nodes.SkipLast(1)];

    /// <summary>The silos, and after them the front end without a silo.</summary>
    public IReadOnlyList<ServerProcess> Nodes => Cluster.Nodes;

    /// <summary>The cluster, running.</summary>
    internal ClusterUnderTest Cluster => _cluster ?? throw new InvalidOperationException("The cluster was not started yet.");

    /// <summary>Starts all that does not run, and ends what an earlier test did.</summary>
    /// <param name="silos">How many silos there are; the first call decides.</param>
    public async Task BeSoundAsync(int silos = 3)
    {
        if (_cluster is null)
        {
            await CreateAsync(silos);
        }

        foreach (var proxy in _proxies.Values)
        {
            proxy.Set(ProxyMode.Forward);
        }

        if (Network is not null)
        {
            await Network.HealAsync();
        }

        foreach (var hung in Nodes.Where(node => node.IsPaused))
        {
            await hung.KillAsync();
        }

        // On a busy machine a silo that has hardly started may miss two probes, and is declared dead. Its supervisor starts it again.
        for (var tries = 0; ; tries++)
        {
            try
            {
                await Task.WhenAll(Nodes.Where(node => !node.IsRunning).Select(node => node.StartAsync(Cancellation)));
                await AllIssueAsync();
                return;
            }
            catch (Exception e) when (e is InvalidOperationException or TimeoutException && tries < 2 && Nodes.Any(node => !node.IsRunning))
            {
                TestContext.Current.TestOutputHelper?.WriteLine("A silo was declared dead while the cluster started.");
            }
        }
    }

    /// <summary>
    /// Ends what a test did, and waits until no silo ends for it any more: silos that were cut off from each other declare each other dead for a while
    /// yet when they meet again.
    /// </summary>
    public async Task SettleAsync()
    {
        for (var tries = 0; tries == 0 || Nodes.Any(node => !node.IsRunning); tries++)
        {
            Assert.True(tries < 5, "Silos go on declaring each other dead.");
            await BeSoundAsync();
            await Task.Delay(Quiet, Cancellation);
        }
    }

    /// <summary>What stands between a silo and the database.</summary>
    public TcpProxy ProxyOf(ServerProcess silo) => _proxies[silo];

    /// <summary>Clients that no test has used.</summary>
    public IReadOnlyList<TestClient> Take(int count) => [.. Enumerable.Range(0, count).Select(_ => _unused.Dequeue())];

    /// <summary>Creates clients, and tells the HTTP port of the silo that activated each of them.</summary>
    public async Task<IReadOnlyDictionary<TestClient, int>> CreateSpreadAsync(string prefix, int count)
    {
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, Admin);
        await admin.SignInAsync(Nodes[^1]);
        var homes = new Dictionary<TestClient, int>();
        // A client whose home can't be told, since another activation came or went at the same moment, is left out.
        for (var i = 0; homes.Count < count; i++)
        {
            Assert.InRange(i, 0, 4 * count);
            var before = await ActivationsAsync();
            var client = await admin.CreateAsync(Nodes[0], $"{prefix}-{i}");
            var after = await ActivationsAsync();
            if (after.Where(silo => silo.Value == before.GetValueOrDefault(silo.Key) + 1).ToList() is [var home])
            {
                homes[client] = home.Key;
            }
        }

        return homes;

        async Task<Dictionary<int, int>> ActivationsAsync() =>
            (await admin.GetAsync(Nodes[0], "cluster")).GetProperty("silos").EnumerateArray()
                .Where(silo => silo.GetProperty("status").GetString() == "active")
                .ToDictionary(silo => PortOf(silo.GetProperty("address").GetString()!)!.Value, silo => silo.GetProperty("activations").GetInt32());
    }

    /// <summary>The HTTP port of the silo with this address, <c>S127.0.0.1:11111:7</c>.</summary>
    public int? PortOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Silos.FirstOrDefault(silo => silo["AuthCluster:Cluster:SiloPort"] == address.Split(':')[1])?.Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        foreach (var proxy in _proxies.Values)
        {
            await proxy.DisposeAsync();
        }
    }

    private async Task CreateAsync(int silos)
    {
        var database = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        const string Scopes = """{ "scopes": ["read", "write"] }""";
        _cluster = ClusterUnderTest.On(
            database,
            [
                Admin.Document(TestClient.Administers),
                .. Steady.Concat(_unused).Select(client => client.Document(Scopes)),
                .. Limited.Values.SelectMany(clients => clients)
                    .Select(client => client.Document($$"""{ "rateLimit": { "tokensPerSecond": {{PerSecond}}, "burst": {{Burst}} } }""")),
            ]);
        for (var i = 0; i < silos; i++)
        {
            Add(i, silo => silo["AuthCluster:Cluster:OutageGrace"] = OutageGrace);
        }

        Add(silos, front =>
        {
            front["AuthCluster:Role"] = "FrontEnd";
            front["AuthCluster:Bootstrap:ClientsFile"] = null;
        });

        void Add(int number, Action<ServerProcess> configure) => _cluster.Add(
            node =>
            {
                var proxy = _proxies[node] = new TcpProxy(database, Network?.Here);
                node["AuthCluster:Storage:ConnectionString"] = database.ConnectionStringThrough(proxy);
                if (Network is not null)
                {
                    node.Prefix = Network.EnterOf(number);
                    node["AuthCluster:Cluster:AdvertisedAddress"] = $"{Network.AddressOf(number)}";
                    node["AuthCluster:Cluster:AllowPlaintext"] = "true";
                }

                if (HasTwins)
                {
                    node["DOTNET_STARTUP_HOOKS"] = Twins;
                    node["ASPNETCORE_HOSTINGSTARTUPASSEMBLIES"] = Path.GetFileNameWithoutExtension(Twins);
                }

                configure(node);
            },
            Network is null ? "localhost" : $"{Network.AddressOf(number)}");
    }

    private async Task AllIssueAsync()
    {
        using var caller = new Caller();
        await Eventually.HoldsAsync(
            "every node issues tokens",
            TimeSpan.FromSeconds(30),
            async () => (await Task.WhenAll(Nodes.Select(node => caller.AskAsync(node, Steady[0])))).All(sample => sample.Status == 200),
            Cancellation);
    }
}

/// <summary>The tests that share them.</summary>
[CollectionDefinition(nameof(FencedCluster))]
public sealed class FencedClusterTests : ICollectionFixture<FencedCluster>;
