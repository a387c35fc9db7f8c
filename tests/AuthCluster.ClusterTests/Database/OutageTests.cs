using System.Globalization;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Database;

/// <summary>A database that is away, slow or silent: whoever is in memory is served, everybody else is told so at once.</summary>
public sealed class OutageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory(Explicit = true)]
    [InlineData(ProxyMode.Refuse, 20)]
    [InlineData(ProxyMode.Blackhole, 20)]
    [InlineData(ProxyMode.Slow, 12)]
    public async Task Warm_clients_go_on_cold_ones_get_503_at_once_no_silo_dies_and_all_is_well_after(ProxyMode outage, int seconds)
    {
        var warm = TestClient.Many("warm", 20);
        var cold = TestClient.Many("cold", 400);
        var counted = TestClient.New("counted");
        var postgres = await SharedPostgres.ServerAsync();
        var database = await postgres.CreateDatabaseAsync(Cancellation);
        await using var proxy = new TcpProxy(postgres.Port);
        await using var cluster = ClusterUnderTest.On(
            postgres.ConnectionStringOf(database).Replace($"Port={postgres.Port}", $"Port={proxy.Port}", StringComparison.Ordinal),
            [
                .. warm.Select(client => client.Document()),
                .. cold.Select(client => client.Document()),
                counted.Document("""{ "quota": { "tokens": 2000, "per": "month" } }"""),
            ]);
        await cluster.StartNodesAsync(2);
        using var caller = new Caller();

        // A start leaves every client that it made in memory: cold is who was not asked for since the last start.
        await Task.WhenAll(cluster.Nodes.Select(node => node.StopAsync(Cancellation)));
        await Task.WhenAll(cluster.Nodes.Select(node =>
        {
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
            return node.StartAsync(Cancellation);
        }));
        await Failure.KillTests.WarmAsync(caller, cluster.Nodes, warm);
        var issued = warm.Count * cluster.Nodes.Count;
        var silos = cluster.Nodes.Select(node => node.ProcessId).ToList();

        var load = Load.Start(caller, cluster.Nodes, warm, perSecond: 40);
        await Task.Delay(1_000, Cancellation);
        proxy.Set(outage);

        // The silos notice by themselves, within the deadline of one read.
        await Task.Delay(4_000, Cancellation);
        var coldSamples = new List<Sample>();
        var until = caller.Now + TimeSpan.FromSeconds(seconds - 4);
        for (var next = 0; caller.Now < until; next++)
        {
            coldSamples.Add(await caller.AskAsync(cluster.Nodes[next % 2], cold[next]));
            await Task.Delay(100, Cancellation);
        }

        foreach (var node in cluster.Nodes)
        {
            Assert.True(await caller.IsReadyAsync(node), "An outage of the database alone takes no node out.");
        }

        proxy.Set(ProxyMode.Forward);
        var back = caller.Now;
        await Eventually.HoldsAsync(
            "cold clients get tokens again",
            TimeSpan.FromSeconds(10),
            async () => (await Task.WhenAll(cluster.Nodes.Select((node, i) => caller.AskAsync(node, cold[^(i + 1)])))).All(sample => sample.Status == 200),
            Cancellation);
        var recovered = caller.Now - back;
        await Task.Delay(1_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures($"database {outage}, {seconds} s");
        var slowestCold = coldSamples.Max(sample => sample.Took);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{coldSamples.Count} cold clients asked, slowest answer {slowestCold.TotalMilliseconds:f0} ms; recovered {recovered.TotalSeconds:f1} s after the database");
        Assert.True(report.Failed.Count == 0, figures + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(2), figures);
        Assert.All(coldSamples, sample => Assert.True(sample.Status == 503, sample.ToString()));
        Assert.True(slowestCold < TimeSpan.FromSeconds(1), $"A cold client waited {slowestCold.TotalSeconds:f2} s.");
        Assert.Equal(silos, cluster.Nodes.Select(node => node.ProcessId));
        Assert.Equal("2", await postgres.RunSqlAsync(database, "select count(*) from orleans_membership where status = 3", Cancellation));

        // Nobody was lost from the counters: what the outage kept in memory was written after it.
        issued += report.Samples.Count(sample => sample.Status == 200);
        await Eventually.HoldsAsync(
            $"{issued} tokens are counted",
            TimeSpan.FromSeconds(10),
            async () => long.Parse(
                await postgres.RunSqlAsync(database, "select coalesce(sum(count), 0) from usage_hourly where client_id like 'warm-%' and outcome = 'issued'", Cancellation),
                CultureInfo.InvariantCulture) == issued,
            Cancellation);
        await caller.TokenAsync(cluster.Nodes[0], counted);
    }

    [Fact(Explicit = true)]
    public async Task Silos_outlive_a_crash_of_the_database()
    {
        PostgresServer.Need();
        var warm = TestClient.Many("warm", 10);
        await using var postgres = await PostgresServer.StartAsync(fsync: true, Cancellation);
        var database = await postgres.CreateDatabaseAsync(Cancellation);
        await using var cluster = ClusterUnderTest.On(postgres.ConnectionStringOf(database), warm.Select(client => client.Document()));
        await cluster.StartNodesAsync(2);
        using var caller = new Caller();
        await Failure.KillTests.WarmAsync(caller, cluster.Nodes, warm);

        var load = Load.Start(caller, cluster.Nodes, warm, perSecond: 40);
        await postgres.KillAsync();
        await Task.Delay(3_000, Cancellation);
        await postgres.StartAgainAsync(Cancellation);
        await Task.Delay(2_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures("database killed and started again");
        Assert.True(report.Failed.Count == 0, figures + cluster.Outputs());
    }
}
