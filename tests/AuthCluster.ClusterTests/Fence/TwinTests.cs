using AuthCluster.ClusterTests.Session;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>
/// Two and three activations of each client at once, each on a living silo of its own, as long as the test runs: what was answered holds for all of them, and
/// together they issue no more than one.
/// </summary>
public sealed class TwinTests
{
    private const int Writes = 40;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_activation_of_a_client_issues_a_token_by_a_state_that_an_answered_write_through_another_has_replaced(int silos)
    {
        await using var fenced = new FencedCluster { HasTwins = true };
        await fenced.BeSoundAsync(silos);
        var clients = fenced.Take(10);
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, fenced.Admin);
        await admin.SignInAsync(fenced.Silos[0]);
        await Activations.WarmAsync(caller, fenced.Nodes, [.. clients, .. fenced.Steady]);
        await AssertTwinsAsync(caller, fenced, clients.Count + fenced.Steady.Count);
        var watch = TokenWatch.Start(caller, fenced.Nodes, fenced.Steady);

        var answers = await Switching.RunAsync(fenced, caller, admin, watch, clients, Writes, enableAt: 1);

        var report = await watch.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{WriteAnswer.Figures($"{silos} activations of each client, disable and enable", answers)}\n{report.Figures()}");
        await AssertTwinsAsync(caller, fenced, clients.Count + fenced.Steady.Count);
        Assert.All(answers, answer => Assert.True(answer.IsEverywhere, answer.ToString()));
        Assert.Empty(report.Broken);
        Assert.Empty(report.FailedAt(fenced.Nodes));
        Assert.All(fenced.Nodes, node => Assert.InRange(report.CoveredAt[node.Port], 2 * Writes, int.MaxValue));
    }

    [Fact]
    public async Task A_write_through_one_of_three_activations_waits_for_a_silo_that_stands_still_with_another()
    {
        await using var fenced = new FencedCluster { HasTwins = true, OutageGrace = "00:00:04" };
        await fenced.BeSoundAsync();
        using var fault = await FaultWatch.StartAsync("SIGSTOP of one of three silos for 3 s, an activation of each client on all", fenced, [fenced.Silos[0]], fenced.Take(20));
        using var caller = new Caller();
        await AssertTwinsAsync(caller, fenced, fenced.Steady.Count);

        await Task.Delay(1_000, Cancellation);
        await fenced.Silos[0].PauseAsync();
        await Task.Delay(3_000, Cancellation);
        await fenced.Silos[0].ContinueAsync();
        await Task.Delay(2_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(report.First, answer => answer.Took > TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Three_activations_of_a_limited_client_issue_no_more_than_one_bucket()
    {
        const int Seconds = 12;
        await using var fenced = new FencedCluster { HasTwins = true };
        await fenced.BeSoundAsync();
        var clients = fenced.Limited["twins"];
        using var caller = new Caller();
        await AssertTwinsAsync(caller, fenced, clients.Count);
        var load = LimitedLoad.Start(caller, fenced, clients);
        await Task.Delay(TimeSpan.FromSeconds(Seconds), Cancellation);
        await load.StopAsync();

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load.Figures()}; at each node {string.Join(", ", fenced.Nodes.Select(node => load.Issued.Count(sample => sample.Port == node.Port)))}");
        load.AssertWithinBuckets();
        // Otherwise nothing was asked of the others.
        Assert.All(fenced.Silos, silo => Assert.Contains(load.Issued, sample => sample.Port == silo.Port));
    }

    /// <summary>Each silo has activated each of the clients.</summary>
    private static async Task AssertTwinsAsync(Caller caller, FencedCluster fenced, int clients)
    {
        var counts = await Task.WhenAll(fenced.Silos.Select(silo => Activations.CountAsync(caller, silo)));
        TestContext.Current.TestOutputHelper?.WriteLine($"activations of clients on the silos: {string.Join(", ", counts)}");
        Assert.All(counts, count => Assert.InRange(count, clients, double.MaxValue));
    }
}
