using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Failure;

/// <summary>Silos that die or hang: callers of the others notice nothing but a moment's wait.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class KillTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_killed_silo_fails_no_request_at_the_others(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (victim, lived) = await Activations.FullestAsync(caller, cluster.Nodes);

        var load = Load.Start(caller, [.. cluster.Nodes.Except([victim])], clients, perSecond: 150);
        await Task.Delay(1_500, Cancellation);
        await victim.KillAsync();
        await Task.Delay(6_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures("kill -9 of one of three");
        TestContext.Current.TestOutputHelper?.WriteLine($"{lived} of {clients.Count} clients lived on the killed silo");
        Assert.True(report.Failed.Count == 0, figures + "\n" + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(2), figures);
        Assert.True(lived > 5, "The kill met hardly any client: the test has shown nothing.");
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_hung_silo_fails_no_request_at_the_others_and_ends_when_it_wakes(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (victim, lived) = await Activations.FullestAsync(caller, cluster.Nodes);

        var load = Load.Start(caller, [.. cluster.Nodes.Except([victim])], clients, perSecond: 100);
        await Task.Delay(1_500, Cancellation);
        await victim.PauseAsync();
        await Task.Delay(9_000, Cancellation);
        var report = await load.StopAsync();
        var woken = caller.Now;
        await victim.ContinueAsync();
        var code = await victim.ExitAsync(Cancellation);
        var ended = caller.Now - woken;

        var figures = report.Figures("SIGSTOP of one of three");
        TestContext.Current.TestOutputHelper?.WriteLine($"{lived} of {clients.Count} clients lived on the hung silo, which ended, once woken, after {ended.TotalSeconds:f2} s with exit code {code}");
        Assert.True(report.Failed.Count == 0, figures + "\n" + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(6), figures);
        Assert.True(lived > 5, "The hang met hardly any client: the test has shown nothing.");
        Assert.True(ended < TimeSpan.FromSeconds(2), $"The woken silo lived {ended.TotalSeconds:f2} s.\n{ServerProcess.Tail(victim.Output)}");
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_silo_that_stands_still_for_a_moment_is_not_declared_dead(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);

        for (var i = 0; i < 5; i++)
        {
            await cluster.Nodes[i % 3].PauseAsync();
            await Task.Delay(300, Cancellation);
            await cluster.Nodes[i % 3].ContinueAsync();
            await Task.Delay(1_000, Cancellation);
        }

        foreach (var node in cluster.Nodes)
        {
            Assert.True(await caller.IsReadyAsync(node), ServerProcess.Tail(node.Output));
        }
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_front_end_goes_on_when_the_silo_that_it_is_connected_to_is_killed_or_hangs(DatabaseKind kind)
    {
        var clients = TestClient.Many("front", 40);
        await using var cluster = await ClusterUnderTest.CreateAsync(kind, clients.Select(client => client.Document()));
        var behind = await cluster.StartNodesAsync(3, node => node["AuthCluster:Role"] = "Silo");
        var fronts = await cluster.StartNodesAsync(2, node =>
        {
            node["AuthCluster:Role"] = "FrontEnd";
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
        });
        using var caller = new Caller();
        await Activations.WarmAsync(caller, fronts, clients);

        var killLoad = Load.Start(caller, fronts, clients, perSecond: 100);
        await Task.Delay(1_500, Cancellation);
        await behind[0].KillAsync();
        await Task.Delay(3_000, Cancellation);
        var killed = await killLoad.StopAsync();
        await behind[0].StartAsync(Cancellation);

        var hangLoad = Load.Start(caller, fronts, clients, perSecond: 100);
        await Task.Delay(1_500, Cancellation);
        await behind[1].PauseAsync();
        await Task.Delay(9_000, Cancellation);
        var hung = await hangLoad.StopAsync();
        await behind[1].KillAsync();

        // All silos away, and one of them back: the front ends find it by themselves.
        await behind[0].KillAsync();
        await behind[2].KillAsync();
        await behind[2].StartAsync(Cancellation);
        await Eventually.HoldsAsync(
            "both front ends issue tokens again",
            TimeSpan.FromSeconds(20),
            async () => (await Task.WhenAll(fronts.Select(front => caller.AskAsync(front, clients[0])))).All(sample => sample.Status == 200),
            Cancellation);

        var repeats = await Task.WhenAll(fronts.Select(front => caller.MetricAsync(front, "authcluster_cluster_repeats_total", "reason=\"timeout\"")));
        TestContext.Current.TestOutputHelper?.WriteLine($"calls repeated by the front ends: {string.Join(", ", repeats)}");
        Assert.True(repeats.Sum() > 0, "A killed and a hung silo repeated no call.");
        Assert.Null(await caller.TryGetAsync(behind[2], "/.well-known/jwks.json"));
        var killFigures = killed.Figures("front ends, kill -9 of a silo");
        var hangFigures = hung.Figures("front ends, SIGSTOP of a silo");
        Assert.True(killed.Failed.Count == 0, killFigures + cluster.Outputs());
        Assert.True(killed.Slowest < TimeSpan.FromSeconds(2), killFigures);
        Assert.True(hung.Failed.Count == 0, hangFigures + cluster.Outputs());
        Assert.True(hung.Slowest < TimeSpan.FromSeconds(6), hangFigures);
    }
}
