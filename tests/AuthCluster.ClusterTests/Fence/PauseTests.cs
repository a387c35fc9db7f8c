using AuthCluster.ClusterTests.Session;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Silos that stand still and wake: what they are asked meanwhile, and what they decide when they wake.</summary>
[Collection(nameof(FencedCluster))]
public sealed class PauseTests(FencedCluster fenced)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task A_woken_silo_decides_nothing_by_a_state_that_was_replaced_while_it_stood_still(int seconds)
    {
        await fenced.BeSoundAsync();
        await PauseAsync(fenced, seconds);
    }

    [Fact]
    public async Task A_silo_that_stands_still_past_the_outage_grace_keeps_no_write_unconfirmed_and_decides_nothing_when_it_wakes()
    {
        await using var strict = new FencedCluster { OutageGrace = "00:00:04" };
        await strict.BeSoundAsync();

        var (report, woken) = await PauseAsync(strict, seconds: 20);

        Assert.Contains(report.Writes, write => write.Last.IsEverywhere && write.Last.Answered < woken);
    }

    private static async Task<(FaultReport Report, TimeSpan Woken)> PauseAsync(FencedCluster cluster, int seconds)
    {
        using var warm = new Caller();
        await Activations.WarmAsync(warm, cluster.Nodes, cluster.Steady);
        var (victim, _) = await Activations.FullestAsync(warm, cluster.Silos);
        using var fault = await FaultWatch.StartAsync($"SIGSTOP of one of three silos for {seconds} s", cluster, [victim], cluster.Take(5 * (seconds + 3)));

        await Task.Delay(1_000, Cancellation);
        await victim.PauseAsync();
        await Task.Delay(TimeSpan.FromSeconds(seconds), Cancellation);
        var woken = fault.Now;
        await victim.ContinueAsync();
        await Task.Delay(2_000, Cancellation);

        return (await fault.StopAsync(TimeSpan.FromSeconds(30)), woken);
    }
}
