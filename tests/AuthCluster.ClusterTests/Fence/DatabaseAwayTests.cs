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
        Set(fenced, cut, mode);
        await Task.Delay(Outage, Cancellation);
        Set(fenced, cut, ProxyMode.Forward);
        await Task.Delay(1_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(report.First, answer => answer.Status == 503);
        Assert.All(report.First, answer => Assert.True(answer.Status is 200 or 503, answer.ToString()));
        Assert.Empty(report.Watch.FailedAt(fenced.Nodes).Select(asked => asked.Sample));
    }

    [Fact]
    public async Task While_the_database_is_away_the_death_of_a_silo_takes_no_client_from_the_others_until_the_outage_grace()
    {
        var grace = TimeSpan.FromSeconds(10);
        await using var strict = new FencedCluster { OutageGrace = $"{grace}" };
        await strict.BeSoundAsync();
        var homes = await strict.CreateSpreadAsync("spread", 24);
        var victim = strict.Silos.MaxBy(silo => homes.Values.Count(home => home == silo.Port))!;
        var others = strict.Nodes.Except([victim]).ToList();
        using var fault = await FaultWatch.StartAsync("database away for all silos, one of them killed", strict, [victim], strict.Take(30), [.. homes.Keys]);

        await Task.Delay(1_000, Cancellation);
        Set(strict, strict.Silos, ProxyMode.Refuse);
        var away = fault.Now;
        await Task.Delay(1_000, Cancellation);
        await victim.KillAsync();
        await Task.Delay(grace + TimeSpan.FromSeconds(1), Cancellation);
        var back = fault.Now;
        Set(strict, strict.Silos, ProxyMode.Forward);
        await Task.Delay(1_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(40));
        var end = away + grace;
        var lived = homes.Where(home => home.Value == victim.Port).Select(home => home.Key).ToHashSet();
        var beforeTheEnd = report.Watch.FailedAt(others).Where(asked => asked.Answered < end - TimeSpan.FromSeconds(1.5)).ToList();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{lived.Count} of {homes.Count} clients lived on the killed silo; {beforeTheEnd.Select(asked => asked.Client).Distinct().Count()} got no token for a while");
        Assert.Contains(report.First, answer => answer.Status == 503);
        Assert.InRange(lived.Count, 1, homes.Count - 1);
        Assert.Empty(beforeTheEnd.Where(asked => !lived.Contains(asked.Client)).Select(asked => asked.Sample));
        Assert.Empty(report.Watch.Asked.Where(asked => asked.IsIssued && asked.Sample.At > end && asked.Answered < back).Select(asked => asked.Sample));
    }

    [Fact]
    public async Task A_silo_that_alone_cannot_reach_the_database_past_the_outage_grace_ends_and_leaves_its_clients_to_the_others()
    {
        await using var strict = new FencedCluster { OutageGrace = "00:00:02" };
        await strict.BeSoundAsync();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, strict.Nodes, strict.Steady);
        var (victim, lived) = await Activations.FullestAsync(caller, strict.Silos);
        Assert.InRange(lived, 1, double.MaxValue);

        strict.ProxyOf(victim).Set(ProxyMode.Refuse);
        var code = await victim.ExitAsync(Cancellation);

        Assert.True(code == 137, ServerProcess.Tail(victim.Output));
        Assert.Contains("while other silos can", victim.Output, StringComparison.Ordinal);
        foreach (var client in strict.Steady)
        {
            foreach (var node in strict.Nodes.Except([victim]))
            {
                Assert.Equal(200, (await caller.AskAsync(node, client)).Status);
            }
        }
    }

    [Fact]
    public async Task Silos_that_all_lose_the_database_past_the_outage_grace_stay_and_issue_again_when_it_is_back()
    {
        await using var strict = new FencedCluster { OutageGrace = "00:00:02" };
        await strict.BeSoundAsync();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, strict.Nodes, strict.Steady);

        foreach (var silo in strict.Silos)
        {
            strict.ProxyOf(silo).Set(ProxyMode.Refuse);
            // One goes after the other, so that each has the right for longer than the one before.
            await Task.Delay(1_000, Cancellation);
        }

        await Task.Delay(TimeSpan.FromSeconds(16), Cancellation);
        Assert.All(await Task.WhenAll(strict.Silos.Select(silo => caller.AskAsync(silo, strict.Steady[0]))), asked => Assert.Equal(503, asked.Status));
        foreach (var silo in strict.Silos)
        {
            strict.ProxyOf(silo).Set(ProxyMode.Forward);
        }

        await Eventually.HoldsAsync(
            "every node issues tokens",
            TimeSpan.FromSeconds(20),
            async () => (await Task.WhenAll(strict.Nodes.Select(node => caller.AskAsync(node, strict.Steady[0])))).All(asked => asked.Status == 200),
            Cancellation);
        Assert.All(strict.Silos, silo => Assert.True(silo.IsRunning, ServerProcess.Tail(silo.Output)));
        Assert.All(strict.Silos, silo => Assert.DoesNotContain("to be started again", silo.Output, StringComparison.Ordinal));
    }

    private static void Set(FencedCluster cluster, IEnumerable<ServerProcess> silos, ProxyMode mode)
    {
        foreach (var silo in silos)
        {
            cluster.ProxyOf(silo).Set(mode);
        }
    }
}
