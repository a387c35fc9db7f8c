using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>The database away for one silo, for all, and for all while one of them is killed: tokens go on, and no answered write is lost.</summary>
[Collection(nameof(FencedCluster))]
public sealed class DatabaseAwayTests(FencedCluster fenced)
{
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ProxyMode.Refuse, 1)]
    [InlineData(ProxyMode.Blackhole, 1)]
    [InlineData(ProxyMode.Refuse, 3)]
    [InlineData(ProxyMode.Blackhole, 3)]
    public async Task Silos_that_cannot_reach_the_database_issue_without_a_gap_and_refuse_writes(ProxyMode mode, int silos)
    {
        await fenced.BeSoundAsync();
        var cut = fenced.Silos.Take(silos).ToList();
        using var fault = await FaultWatch.StartAsync($"database {mode} for {silos} of 3 silos", fenced, [], fenced.Take(20));

        await Task.Delay(1_000, Cancellation);
        Set(cut, mode);
        await Task.Delay(Outage, Cancellation);
        Set(cut, ProxyMode.Forward);
        await Task.Delay(1_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(report.First, answer => answer.Status == 503);
        Assert.All(report.First, answer => Assert.True(answer.Status is 200 or 503, answer.ToString()));
        Assert.Empty(report.Watch.FailedAt(fenced.Nodes).Select(asked => asked.Sample));
    }

    [Fact]
    public async Task A_silo_that_is_killed_while_the_database_is_away_takes_no_client_from_the_others()
    {
        await fenced.BeSoundAsync();
        using var warm = new Caller();
        await Activations.WarmAsync(warm, fenced.Nodes, fenced.Steady);
        var (victim, lived) = await Activations.FullestAsync(warm, fenced.Silos);
        var others = fenced.Nodes.Except([victim]).ToList();
        using var fault = await FaultWatch.StartAsync("database away for all silos, one of them killed", fenced, [victim], fenced.Take(20));

        await Task.Delay(1_000, Cancellation);
        Set(fenced.Silos, ProxyMode.Refuse);
        await Task.Delay(1_000, Cancellation);
        await victim.KillAsync();
        await Task.Delay(Outage, Cancellation);
        Set(fenced.Silos, ProxyMode.Forward);
        await Task.Delay(1_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(40));
        var lost = report.Watch.FailedAt(others).Select(asked => asked.Client).ToHashSet();
        TestContext.Current.TestOutputHelper?.WriteLine($"{lost.Count} of {fenced.Steady.Count} clients got no token for a while; {lived} clients lived on the killed silo");
        Assert.Contains(report.First, answer => answer.Status == 503);
        Assert.NotEqual(fenced.Steady.Count, lost.Count);
        Assert.InRange(lost.Count, 0, lived);
    }

    private void Set(IEnumerable<ServerProcess> silos, ProxyMode mode)
    {
        foreach (var silo in silos)
        {
            fenced.ProxyOf(silo).Set(mode);
        }
    }
}
