using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>A silo that is cut off from the others, in one direction or in both, and still reached by its own callers.</summary>
[Collection(nameof(SeparateHosts))]
public sealed class CutOffTests(SeparateHosts hosts)
{
    // From the cut to the outage grace after the death, which others note after some seconds, more on a busy machine.
    private static readonly TimeSpan CutFor = TimeSpan.FromSeconds(16);
    private const int WritesOfACut = 42;

    // The proxy before the database may have passed on one more reading.
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(500);

    // The last reading may have begun this long before the cut, and the last request of a client that lives on the silo this long before the end.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_silo_without_database_and_peers_decides_until_the_outage_grace_and_writes_are_confirmed_then(bool from, bool to)
    {
        var cluster = await hosts.SoundAsync();
        var homes = await cluster.CreateSpreadAsync($"cut-{from}-{to}", 12);
        var victim = cluster.Silos.MaxBy(silo => homes.Values.Count(home => home == silo.Port))!;
        var own = homes.Where(home => home.Value == victim.Port).Select(home => home.Key).ToList();
        using var fault = await FaultWatch.StartAsync(
            $"a silo without the database; lost is what {(from ? "it sends" : "")}{(from && to ? " and what " : "")}{(to ? "is sent to it" : "")}", cluster, [victim], cluster.Take(WritesOfACut), own);

        await Task.Delay(1_000, Cancellation);
        await hosts.CutAsync(victim, from, to);
        cluster.ProxyOf(victim).Set(ProxyMode.Blackhole);
        var cut = fault.Now;
        await Task.Delay(CutFor, Cancellation);
        var healed = fault.Now;
        await hosts.HealAsync();
        cluster.ProxyOf(victim).Set(ProxyMode.Forward);
        await Task.Delay(2_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        AssertDecidesUntilTheGrace(report, victim, own, cut, healed);
        Assert.Contains(report.Writes, write => write.First.IsStoredOnly && write.Last.Answered < healed);
    }

    [Fact]
    public async Task A_silo_that_only_the_database_reaches_says_that_it_has_ended_and_most_writes_are_confirmed_at_once()
    {
        var cluster = await hosts.SoundAsync();
        using var warm = new Caller();
        await Activations.WarmAsync(warm, cluster.Nodes, cluster.Steady);
        var (victim, _) = await Activations.FullestAsync(warm, cluster.Silos);
        using var fault = await FaultWatch.StartAsync("a silo without peers, with the database", cluster, [victim], cluster.Take(WritesOfACut));

        await Task.Delay(1_000, Cancellation);
        await hosts.CutAsync(victim, from: true, to: true);
        await Task.Delay(CutFor, Cancellation);
        await hosts.HealAsync();
        await cluster.SettleAsync();

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.InRange(report.First.Count(answer => answer.IsStoredOnly), 0, report.First.Count / 3);
    }

    [Fact]
    public async Task Writes_hold_everywhere_though_two_living_silos_cannot_reach_each_other()
    {
        var cluster = await hosts.SoundAsync();
        var apart = cluster.Silos.Take(2).ToList();
        // A void need not cross the cut link when the client lives on the third silo, which reaches both of the others.
        var homes = await cluster.CreateSpreadAsync("apart", 64);
        var clients = homes.Where(home => apart.Any(silo => silo.Port == home.Value)).Select(home => home.Key).Take(WritesOfACut).ToList();
        using var fault = await FaultWatch.StartAsync("the link between two of three silos is cut", cluster, apart, clients);

        await Task.Delay(1_000, Cancellation);
        await hosts.CutBetweenAsync(apart[0], apart[1]);
        var cut = fault.Now;
        await Task.Delay(CutFor, Cancellation);
        var healed = fault.Now;
        await hosts.HealAsync();
        await Task.Delay(2_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.All(apart, silo => Assert.True(silo.IsRunning, "A silo was declared dead, so that the link did not matter."));
        Assert.Contains(report.First, answer => answer.IsEverywhere && answer.Sent > cut && answer.Answered < healed && answer.Took > TimeSpan.FromMilliseconds(400));
        Assert.DoesNotContain(report.First, answer => answer.IsStoredOnly);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Silos_without_database_in_either_half_decide_until_the_outage_grace_and_break_no_promise(bool singleSiloReachesIt)
    {
        var cluster = await hosts.SoundAsync();
        var homes = await cluster.CreateSpreadAsync($"halves-{singleSiloReachesIt}", 24);
        var without = cluster.Silos.Skip(singleSiloReachesIt ? 1 : 0).ToList();
        // Whichever silos are declared dead in the end, the front end lives and reaches those that live.
        using var fault = await FaultWatch.StartAsync(
            $"a single silo apart from two; the database with {(singleSiloReachesIt ? "the single one" : "neither half")}", cluster, cluster.Silos, cluster.Take(20), [.. homes.Keys]);

        await Task.Delay(1_000, Cancellation);
        foreach (var other in cluster.Silos.Skip(1))
        {
            await hosts.CutBetweenAsync(cluster.Silos[0], other);
        }

        foreach (var silo in without)
        {
            cluster.ProxyOf(silo).Set(ProxyMode.Blackhole);
        }

        var cut = fault.Now;
        await Task.Delay(CutFor, Cancellation);
        var healed = fault.Now;
        await cluster.SettleAsync();

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        foreach (var silo in without)
        {
            var own = homes.Where(home => home.Value == silo.Port).Select(home => home.Key);
            AssertDecidesUntilTheGrace(report, silo, own, cut, healed);
        }

        Assert.Contains(report.First, answer => !answer.IsEverywhere && answer.Sent > cut);
    }

    /// <summary>A silo without the database goes on deciding for the clients that live on it, until the outage grace is over and no longer.</summary>
    private static void AssertDecidesUntilTheGrace(FaultReport report, ServerProcess silo, IEnumerable<TestClient> own, TimeSpan cut, TimeSpan healed)
    {
        var clients = own.ToHashSet();
        var samples = report.Watch.Asked.Where(asked => asked.Sample.Port == silo.Port && asked.Sample.At > cut && asked.Answered < healed).ToList();
        var end = cut + SeparateHosts.OutageGrace;
        Assert.Contains(samples, asked => clients.Contains(asked.Client) && asked.IsIssued && asked.Sample.At > end - (2 * Slack));
        Assert.Empty(samples.Where(asked => clients.Contains(asked.Client) && asked.Sample.At < end - Slack && !asked.IsIssued).Select(asked => asked.Sample));
        Assert.Empty(samples.Where(asked => asked.IsIssued && asked.Sample.At > end + Margin).Select(asked => asked.Sample));
    }
}
