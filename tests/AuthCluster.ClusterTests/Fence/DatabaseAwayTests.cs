using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

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
    public async Task While_the_database_is_away_the_death_of_a_silo_takes_no_client_from_the_others()
    {
        await fenced.BeSoundAsync();
        using var warm = new Caller();
        var admin = new FenceAdmin(warm, fenced.Admin);
        await admin.SignInAsync(fenced.Silos[0]);
        var homes = await CreateAsync(admin, 24);
        var victim = fenced.Silos.MaxBy(silo => homes.Values.Count(home => home == silo.Port))!;
        var others = fenced.Nodes.Except([victim]).ToList();
        using var fault = await FaultWatch.StartAsync("database away for all silos, one of them killed", fenced, [victim], fenced.Take(20), [.. homes.Keys]);

        await Task.Delay(1_000, Cancellation);
        Set(fenced.Silos, ProxyMode.Refuse);
        await Task.Delay(1_000, Cancellation);
        await victim.KillAsync();
        await Task.Delay(Outage, Cancellation);
        Set(fenced.Silos, ProxyMode.Forward);
        await Task.Delay(1_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(40));
        var lived = homes.Where(home => home.Value == victim.Port).Select(home => home.Key).ToHashSet();
        var failed = report.Watch.FailedAt(others);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{lived.Count} of {homes.Count} clients lived on the killed silo; {failed.Select(asked => asked.Client).Distinct().Count()} got no token for a while");
        Assert.Contains(report.First, answer => answer.Status == 503);
        Assert.InRange(lived.Count, 1, homes.Count - 1);
        Assert.Empty(failed.Where(asked => !lived.Contains(asked.Client)).Select(asked => asked.Sample));
    }

    /// <summary>New clients, with the HTTP port of the silo that activated each of them.</summary>
    private async Task<IReadOnlyDictionary<TestClient, int>> CreateAsync(FenceAdmin admin, int count)
    {
        var homes = new Dictionary<TestClient, int>();
        var before = await ActivationsAsync();
        for (var i = 0; i < count; i++)
        {
            var client = await admin.CreateAsync(fenced.Nodes[0], $"located-{i}");
            var after = await ActivationsAsync();
            homes[client] = Assert.Single(after, silo => silo.Value == before[silo.Key] + 1).Key;
            before = after;
        }

        return homes;

        async Task<Dictionary<int, int>> ActivationsAsync() =>
            (await admin.GetAsync(fenced.Nodes[0], "cluster")).GetProperty("silos").EnumerateArray()
                .Where(silo => silo.GetProperty("status").GetString() == "active")
                .ToDictionary(silo => fenced.PortOf(silo.GetProperty("address").GetString()!)!.Value, silo => silo.GetProperty("activations").GetInt32());
    }

    private void Set(IEnumerable<ServerProcess> silos, ProxyMode mode)
    {
        foreach (var silo in silos)
        {
            fenced.ProxyOf(silo).Set(mode);
        }
    }
}
