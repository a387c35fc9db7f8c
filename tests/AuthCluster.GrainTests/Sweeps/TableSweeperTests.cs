using AuthCluster.Grains.Sweeps;
using AuthCluster.GrainTests.Cluster;
using AuthCluster.Storage.Clients;

namespace AuthCluster.GrainTests.Sweeps;

/// <summary>How the sweeper merges and deletes old usage.</summary>
[Collection(OnSharedCluster.Name)]
public sealed class TableSweeperTests(GrainCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hours_become_days_after_400_days_and_days_go_after_1200()
    {
        await cluster.TrustClockAsync();
        var store = new UsageStore(cluster.Database);
        var today = new DateTimeOffset(cluster.Clock.GetUtcNow().Date, TimeSpan.Zero);
        int[] ages = [1_201, 1_200, 401, 400, 1];
        await store.FlushAsync(
            new UsageFlush("a silo", 1, cluster.Clock.GetUtcNow()),
            [.. ages.SelectMany(age => new[] { 1, 20 }.Select(hour => new UsageCount("kept", today.AddDays(-age).AddHours(hour), "issued", age)))],
            [],
            Cancellation);

        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);

        Assert.Equal(
            [
                (today.AddDays(-1_200), 2_400), (today.AddDays(-401), 802),
                (today.AddDays(-400).AddHours(1), 400), (today.AddDays(-400).AddHours(20), 400),
                (today.AddDays(-1).AddHours(1), 1), (today.AddDays(-1).AddHours(20), 1L),
            ],
            (await store.ReadAsync("kept", today.AddDays(-2_000), today, Cancellation)).Select(row => (row.Hour, row.Count)));
    }

    [Fact]
    public async Task A_sweep_goes_on_until_the_table_is_clean_within_its_bound()
    {
        await cluster.TrustClockAsync();
        await cluster.ExecuteAsync("""
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 2200)
            insert into usage_daily (client_id, day, outcome, count) select 'old-' || i, 86400000000, 'issued', 1 from n
            """);

        await cluster.Each<TableSweeper>().First().SweepAsync(Cancellation);

        Assert.Equal([0L], await cluster.QueryAsync<long>("select count(*) from usage_daily where client_id like 'old-%'"));
    }
}
