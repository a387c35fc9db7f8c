using AuthCluster.ClusterTests.Session;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Silos whose process ends on a living host: the host's word, or the next process at the same address, proves the end.</summary>
[Collection(nameof(FencedCluster))]
public sealed class DeathTests(FencedCluster fenced)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_silo_delays_writes_and_makes_none_unconfirmed()
    {
        await fenced.BeSoundAsync();
        using var warm = new Caller();
        await Activations.WarmAsync(warm, fenced.Nodes, fenced.Steady);
        var (victim, _) = await Activations.FullestAsync(warm, fenced.Silos);
        var others = fenced.Nodes.Except([victim]).ToList();
        using var fault = await FaultWatch.StartAsync("kill -9 of one of three silos", fenced, [victim], fenced.Take(25));

        await Task.Delay(1_500, Cancellation);
        await victim.KillAsync();
        await Task.Delay(7_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(20));
        Assert.All(report.First, answer => Assert.True(answer.IsEverywhere, answer.ToString()));
        Assert.Empty(report.Watch.FailedAt(others).Select(asked => asked.Sample));
    }

    [Fact]
    public async Task A_silo_that_starts_again_at_its_address_proves_the_end_of_the_one_before()
    {
        // With no other silo running, nobody else can prove it.
        await using var alone = new FencedCluster();
        await alone.BeSoundAsync(silos: 1);
        var client = alone.Take(1)[0];
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, alone.Admin);
        await admin.SignInAsync(alone.Silos[0]);

        await alone.Silos[0].KillAsync();
        await alone.Silos[0].StartAsync(Cancellation);
        var answer = await admin.DisableAsync(alone.Silos[0], client);

        TestContext.Current.TestOutputHelper?.WriteLine($"{answer}");
        Assert.True(answer.IsEverywhere, answer.ToString());
        Assert.Equal(401, (await caller.AskAsync(alone.Silos[0], client)).Status);
    }
}
