using System.Diagnostics;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>A machine without a processor to spare: ten processes for each processor compute without a pause.</summary>
[Collection(nameof(FencedCluster))]
public sealed class BusyMachineTests(FencedCluster fenced)
{
    private const string Lapses = "authcluster_fence_lapses_total";

    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_silo_loses_its_right_to_decide_for_want_of_a_processor()
    {
        await fenced.BeSoundAsync();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, fenced.Nodes, fenced.Steady);
        var before = await LapsesAsync(caller);
        var watch = TokenWatch.Start(caller, fenced.Nodes, fenced.Steady);

        // They end by themselves when the test run is cut short.
        var computing = Enumerable.Range(0, 10 * Environment.ProcessorCount).Select(_ => Process.Start("timeout", ["60", "sh", "-c", "while :; do :; done"])).ToList();
        string load;
        try
        {
            await Task.Delay(Busy, Cancellation);
            load = (await File.ReadAllTextAsync("/proc/loadavg", Cancellation)).Trim();
        }
        finally
        {
            foreach (var process in computing)
            {
                process.Kill(entireProcessTree: true);
                process.Dispose();
            }
        }

        var report = await watch.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"load average {load}; {report.Figures()}");
        Assert.Equal(before, await LapsesAsync(caller));
        Assert.Empty(report.FailedAt(fenced.Nodes).Select(asked => asked.Sample));

        // That the number moves when a silo does lose it.
        await fenced.Silos[0].PauseAsync();
        await Task.Delay(2_500, Cancellation);
        await fenced.Silos[0].ContinueAsync();
        await Eventually.HoldsAsync(
            "the silo that stood still has counted a lapse", TimeSpan.FromSeconds(10), async () => await LapsesAsync(caller) > before, Cancellation);
    }

    private async Task<double> LapsesAsync(Caller caller) =>
        (await Task.WhenAll(fenced.Silos.Select(silo => caller.MetricAsync(silo, Lapses)))).Sum();
}
