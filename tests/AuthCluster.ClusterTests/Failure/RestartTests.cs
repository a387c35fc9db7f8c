using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Failure;

/// <summary>Stops in order: a drain, and all servers one after another, as in a deployment.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class RestartTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Three_servers_restarted_one_after_another_under_load_fail_no_request(DatabaseKind kind)
    {
        var clients = silos.Clients;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        await using var balancer = new Balancer(cluster.Nodes);

        var load = Load.Start(caller, balancer.Pick, clients, perSecond: 100);
        foreach (var node in cluster.Nodes)
        {
            await Task.Delay(1_000, Cancellation);
            Assert.Equal(0, await node.StopAsync(Cancellation));
            await node.StartAsync(Cancellation);
        }

        await Task.Delay(1_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures("rolling restart of three");
        Assert.True(report.Failed.Count == 0, figures + "\n" + cluster.Outputs());
        Assert.Equal(3, report.Samples.Select(sample => sample.Port).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_stopping_server_is_not_ready_at_once_and_serves_requests_for_the_drain_delay(DatabaseKind kind)
    {
        var client = silos.Clients[0];
        var cluster = await silos.OnAsync(kind);
        var leaving = cluster.Nodes[1];
        using var caller = new Caller();
        await caller.TokenAsync(leaving, client);

        await leaving.BeginStopAsync();
        await Eventually.HoldsAsync("readiness is withdrawn", TimeSpan.FromSeconds(1), async () => !await caller.IsReadyAsync(leaving), Cancellation);
        var until = caller.Now + (ThreeSilos.Drain * 0.6);
        while (caller.Now < until)
        {
            await caller.TokenAsync(leaving, client);
            await Task.Delay(50, Cancellation);
        }

        Assert.Equal(0, await leaving.ExitAsync(Cancellation));
        await caller.TokenAsync(cluster.Nodes[0], client);
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Three_servers_that_were_killed_at_once_are_back_soon(DatabaseKind kind)
    {
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, silos.Clients);

        await Task.WhenAll(cluster.Nodes.Select(node => node.KillAsync()));
        var killed = caller.Now;
        await Task.WhenAll(cluster.Nodes.Select(node => node.StartAsync(Cancellation)));
        var took = caller.Now - killed;

        TestContext.Current.TestOutputHelper?.WriteLine($"three killed at once were ready again after {took.TotalSeconds:f1} s");
        Assert.True(took < TimeSpan.FromSeconds(60), $"{took.TotalSeconds:f1} s\n{cluster.Outputs()}");
        foreach (var node in cluster.Nodes)
        {
            await caller.TokenAsync(node, silos.Clients[0]);
        }
    }
}
