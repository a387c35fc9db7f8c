using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;

namespace AuthCluster.StorageTests.Clients;

/// <summary>Hours of usage that become days, days that are deleted, and counts that are written late or twice meanwhile.</summary>
public sealed class UsageArchiveStoreTests
{
    private static readonly DateTimeOffset Day = new(2026, 3, 4, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Old_hours_become_days_some_rows_at_a_time_and_every_count_stays_in_the_reports(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var (store, archive) = (new UsageStore(under.Database), new UsageArchiveStore(under.Database));
        await store.FlushAsync(Flush(1), [.. Enumerable.Range(0, 72).Select(n => new UsageCount("orders", Day.AddHours(n), "issued", n))], [], Cancel);
        await store.FlushAsync(Flush(2), [new("orders", Day.AddHours(3), "invalid_scope", 4), new("billing", Day.AddHours(30), "issued", 9)], [], Cancel);
        var before = await TotalAsync();

        var moved = new List<int>();
        while (await archive.MoveHoursToDaysAsync(Day.AddDays(2), 20, Cancel) is > 0 and var rows)
        {
            moved.Add(rows);
            Assert.Equal(before, await TotalAsync());
        }

        Assert.Equal([20, 20, 10], moved);
        var usage = await store.ReadAsync("orders", Day, Day.AddDays(3), Cancel);
        Assert.Equal(
            [new(Day, "invalid_scope", 4), new(Day, "issued", 276), new HourlyUsageRecord(Day.AddDays(1), "issued", 852)],
            usage.Take(3));
        Assert.Equal(Enumerable.Range(48, 24).Select(n => new HourlyUsageRecord(Day.AddHours(n), "issued", n)), usage.Skip(3));
        Assert.Equal(24, (await under.QueryAsync<string>("select outcome from usage_hourly")).Count);

        // A day counts in the window that holds its beginning, so two windows that meet within the day count it once.
        Assert.Equal(852, (await store.ReadAsync("orders", Day.AddHours(5), Day.AddHours(40), Cancel)).Sum(row => row.Count));
        Assert.Equal(280, (await store.ReadAsync("orders", Day, Day.AddHours(5), Cancel)).Sum(row => row.Count));
        Assert.Equal(
            [new UsageTotalRecord("orders", 2_556, 4), new UsageTotalRecord("billing", 9, 0)],
            await store.TopAsync(Day, Day.AddDays(3), byRefused: false, 10, Cancel));

        async Task<(long, long)> TotalAsync()
        {
            var top = await store.TopAsync(Day, Day.AddDays(3), byRefused: false, 10, Cancel);
            return (top.Sum(client => client.Issued), top.Sum(client => client.Refused));
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task What_is_written_late_to_an_hour_that_has_become_a_day_is_added_to_it_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var (store, archive) = (new UsageStore(under.Database), new UsageArchiveStore(under.Database));
        UsageCount[] counts = [new("orders", Day.AddHours(5), "issued", 100)];
        await store.FlushAsync(Flush(1), counts, [], Cancel);
        Assert.Equal(1, await archive.MoveHoursToDaysAsync(Day.AddDays(1), 10, Cancel));

        // A silo that never learned the outcome of its first flush, and that hung until now.
        await store.FlushAsync(Flush(1), counts, [], Cancel);
        await store.FlushAsync(Flush(2), [counts[0] with { Count = 20 }], [], Cancel);
        Assert.Equal(120, (await store.ReadAsync("orders", Day, Day.AddDays(1), Cancel)).Sum(row => row.Count));
        Assert.Equal(1, await archive.MoveHoursToDaysAsync(Day.AddDays(1), 10, Cancel));

        Assert.Equal([new HourlyUsageRecord(Day, "issued", 120)], await store.ReadAsync("orders", Day, Day.AddDays(1), Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Silos_that_flush_merge_and_move_at_once_lose_nothing_and_double_nothing(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var (store, archive) = (new UsageStore(under.Database), new UsageArchiveStore(under.Database));
        await InsertOfOlderBuildsAsync(under, clients: 20, hours: 30, writers: 3);

        await Task.WhenAll(
        [
            .. Enumerable.Range(0, 3).Select(silo => Task.Run(async () =>
            {
                for (var number = 1; number <= 6; number++)
                {
                    await store.FlushAsync(
                        new UsageFlush($"silo {silo}", number, Day),
                        [.. Enumerable.Range(0, 20).Select(n => new UsageCount($"c{n}", Day.AddHours(number), "issued", 1))],
                        [],
                        Cancel);
                }
            })),
            .. Enumerable.Range(0, 4).Select(silo => Task.Run(async () =>
            {
                for (var step = 0; step < 12; step++)
                {
                    await (silo % 2 == 0
                        ? archive.MergeHoursOfOlderBuildsAsync(Day.AddDays(3), 90, Cancel)
                        : archive.MoveHoursToDaysAsync(Day.AddDays(1), 90, Cancel));
                }
            })),
        ]);
        while (await archive.MergeHoursOfOlderBuildsAsync(Day.AddDays(3), 500, Cancel) > 0)
        {
        }

        // 30 hours of 3 older builds, and 6 flushes of 3 silos.
        var top = await store.TopAsync(Day, Day.AddDays(2), byRefused: false, 100, Cancel);
        Assert.Equal(20, top.Count);
        Assert.All(top, client => Assert.Equal(90 + 18, client.Issued));
        Assert.Empty(await under.QueryAsync<string>("select writer from usage_hourly where writer <> ''"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_rows_of_older_builds_are_merged_to_one_an_hour_once_no_older_build_writes_to_that_hour(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var (store, archive) = (new UsageStore(under.Database), new UsageArchiveStore(under.Database));
        await InsertOfOlderBuildsAsync(under, clients: 1, hours: 3, writers: 5);
        await store.FlushAsync(Flush(1), [new("c0", Day, "issued", 7)], [], Cancel);

        Assert.Equal(10, await archive.MergeHoursOfOlderBuildsAsync(Day.AddHours(2), 100, Cancel));
        Assert.Equal(0, await archive.MergeHoursOfOlderBuildsAsync(Day.AddHours(2), 100, Cancel));

        Assert.Equal([12L, 5L, 5L], (await store.ReadAsync("c0", Day, Day.AddDays(1), Cancel)).Select(hour => hour.Count));
        Assert.Equal(7, (await under.QueryAsync<string>("select writer from usage_hourly")).Count);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_sweep_deletes_old_days_and_lost_silos_and_no_more_rows_than_it_may(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var (store, archive) = (new UsageStore(under.Database), new UsageArchiveStore(under.Database));
        for (var n = 0; n < 5; n++)
        {
            await store.FlushAsync(new UsageFlush($"silo {n}", 1, Day.AddDays(n)), [new("orders", Day.AddDays(n), "issued", 1)], [], Cancel);
        }

        await archive.MoveHoursToDaysAsync(Day.AddDays(9), 10, Cancel);

        Assert.Equal(2, await archive.SweepDaysAsync(Day.AddDays(3), 2, Cancel));
        Assert.Equal(1, await archive.SweepDaysAsync(Day.AddDays(3), 2, Cancel));
        Assert.Equal([Day.AddDays(3), Day.AddDays(4)], (await store.ReadAsync("orders", Day, Day.AddDays(9), Cancel)).Select(day => day.Hour));
        Assert.Equal(2, await archive.SweepWritersAsync(Day.AddDays(3), 2, Cancel));
        Assert.Equal(1, await archive.SweepWritersAsync(Day.AddDays(3), 2, Cancel));
        Assert.Equal(["silo 3", "silo 4"], await under.QueryAsync<string>("select writer from usage_writer order by writer"));
    }

    private static UsageFlush Flush(long number) => new("silo", number, Day);

    /// <summary>Rows as older builds wrote them: each activation counted for itself.</summary>
    private static async Task InsertOfOlderBuildsAsync(DatabaseUnderTest under, int clients, int hours, int writers)
    {
        object Time(DateTimeOffset time) => under.Database.Provider == StorageProvider.Sqlite ? (time - DateTimeOffset.UnixEpoch).Ticks / 10 : time.UtcDateTime;
        for (var client = 0; client < clients; client++)
        {
            for (var hour = 0; hour < hours; hour++)
            {
                foreach (var writer in Enumerable.Range(0, writers))
                {
                    await under.ExecuteAsync(
                        "insert into usage_hourly (client_id, hour, outcome, writer, count) values (@Client, @Hour, 'issued', @Writer, 1)",
                        new { Client = $"c{client}", Hour = Time(Day.AddHours(hour)), Writer = $"w{writer}" });
                }
            }
        }
    }
}
