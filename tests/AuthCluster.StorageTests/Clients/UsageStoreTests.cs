using System.Diagnostics;
using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;

namespace AuthCluster.StorageTests.Clients;

public sealed class UsageStoreTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Hour = new(2026, 3, 4, 5, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_flush_that_is_repeated_counts_once_and_the_next_one_is_added(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        UsageCount[] counts = [new("orders", Hour, "issued", 5), new("orders", Hour, "invalid_scope", 2), new("orders", Hour, "issued", 1)];
        LastUse[] uses = [new("orders", "client", "", Hour.AddMinutes(9))];

        await store.FlushAsync(Flush("silo", 1), counts, uses, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.FlushAsync(Flush("silo", 1), counts, uses, Cancel))));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.FlushAsync(Flush("silo", 2), [counts[0]], [uses[0] with { UsedAt = Hour }], Cancel))));
        // A flush that was under way for so long that later flushes have passed it.
        await store.FlushAsync(Flush("silo", 1), counts, uses, Cancel);
        await store.FlushAsync(Flush("other silo", 1), [counts[0] with { Count = 7 }], [], Cancel);
        await store.FlushAsync(Flush("silo", 3), [], [], Cancel);

        Assert.Equal(
            [new HourlyUsageRecord(Hour, "invalid_scope", 2), new HourlyUsageRecord(Hour, "issued", 18)],
            await store.ReadAsync("orders", Hour, Hour.AddHours(1), Cancel));
        Assert.Equal([new LastUseRecord("client", "", Hour.AddMinutes(9))], await store.LastUsesAsync("orders", Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_flush_with_a_row_that_the_database_refuses_stores_nothing_and_leaves_its_number_to_the_others(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        var good = new UsageCount("orders", Hour, "issued", 5);
        UsageCount[] both = [good, good with { ClientId = "other" }];
        var use = new LastUse("orders", "client", "", Hour);
        await store.FlushAsync(Flush("silo", 1), [good], [use], Cancel);

        await Assert.ThrowsAsync<UsageRefusedException>(() => store.FlushAsync(Flush("silo", 2), both, [use, use with { Kind = "no such kind" }], Cancel));
        await store.FlushAsync(Flush("silo", 2), [good], [use], Cancel);
        await store.FlushAsync(Flush("silo", 2), both, [], Cancel);

        Assert.Equal([new HourlyUsageRecord(Hour, "issued", 10)], await store.ReadAsync("orders", Hour, Hour.AddHours(1), Cancel));
        Assert.Empty(await store.ReadAsync("other", Hour, Hour.AddHours(1), Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_last_use_that_a_wrong_clock_gave_goes_back_to_the_next_right_one(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        var use = new LastUse("orders", "client", "", Hour);

        await store.FlushAsync(Flush("silo", 1), [], [use with { UsedAt = Hour.AddYears(1) }], Cancel);
        await store.FlushAsync(Flush("silo", 2), [], [use with { UsedAt = Hour.AddMinutes(1) }], Cancel);

        Assert.Equal([new LastUseRecord("client", "", Hour.AddMinutes(1))], await store.LastUsesAsync("orders", Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task However_many_silos_count_for_a_client_an_hour_has_one_row(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);

        for (var silo = 0; silo < 10; silo++)
        {
            await store.FlushAsync(Flush($"silo {silo}", 1), [new("orders", Hour, "issued", 1)], [], Cancel);
        }

        Assert.Equal([10L], await under.QueryAsync<long>("select count from usage_hourly"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_window_holds_the_hours_from_its_start_up_to_its_end(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        await store.FlushAsync(Flush("silo", 1), [.. Enumerable.Range(0, 5).Select(n => new UsageCount("orders", Hour.AddHours(n), "issued", n + 1))], [], Cancel);
        await store.FlushAsync(Flush("silo", 2), [new("Orders", Hour, "issued", 100)], [], Cancel);

        var usage = await store.ReadAsync("orders", Hour.AddHours(1), Hour.AddHours(3), Cancel);

        Assert.Equal([2L, 3L], usage.Select(row => row.Count));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_usage_report_names_the_clients_with_most_tokens_or_most_refusals(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        await store.FlushAsync(
            Flush("silo", 1),
        [
            new("a", Hour, "issued", 5), new("a", Hour.AddHours(1), "issued", 5), new("a", Hour.AddHours(2), "issued", 100),
            new("b", Hour, "issued", 6), new("b", Hour, "issued", 6), new("b", Hour, "invalid_client", 1),
            new("c", Hour, "invalid_client", 4), new("c", Hour, "slow_down", 4),
        ],
        [],
        Cancel);

        Assert.Equal(
            [new UsageTotalRecord("b", 12, 1), new UsageTotalRecord("a", 10, 0)],
            await store.TopAsync(Hour, Hour.AddHours(2), byRefused: false, 2, Cancel));
        Assert.Equal(
            [new UsageTotalRecord("c", 0, 8), new UsageTotalRecord("b", 12, 1), new UsageTotalRecord("a", 10, 0)],
            await store.TopAsync(Hour, Hour.AddHours(2), byRefused: true, 10, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_unused_report_names_what_was_neither_used_nor_created_since(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        var writes = new ClientWrites(under.Database);
        CataloguePart Part(string kind, string value, int age) => new(kind, value, "label", Samples.Now.AddDays(-age), null);
        await writes.TellAsync(Samples.Client("old") with
        {
            CreatedAt = Samples.Now.AddDays(-100),
            Parts = [Part("secret", "s-used", 90), Part("secret", "s-unused", 90), Part("secret", "s-new", 1), Part("scope", "read", 90), Part("scope", "write", 90), Part("scope", "again", 1)],
        });
        await writes.TellAsync(Samples.Client("young"));
        await store.FlushAsync(
            Flush("silo", 1),
            [],
            [
                new("old", "client", "", Samples.Now.AddDays(-2)), new("old", "secret", "s-used", Samples.Now.AddDays(-2)),
                new("old", "scope", "write", Samples.Now.AddDays(-60)), new("old", "scope", "again", Samples.Now.AddDays(-60)),
            ],
            Cancel);

        var all = await store.UnusedAsync(Samples.Now.AddDays(-30), null, 10, Cancel);
        var walked = new List<UnusedRecord>();
        while (await store.UnusedAsync(Samples.Now.AddDays(-30), walked.LastOrDefault(), 1, Cancel) is [var next])
        {
            walked.Add(next);
        }

        Assert.Equal(
            [("scope", "read", null), ("scope", "write", Samples.Stored(Samples.Now).AddDays(-60)), ("secret", "s-unused", null)],
            all.Select(part => (part.Kind, part.Value, part.LastUsedAt)));
        Assert.Equal(all, walked);
        Assert.Contains(await store.UnusedAsync(Samples.Now.AddDays(1), null, 10, Cancel), part => (part.ClientId, part.Kind) == ("young", "client"));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Flushes_at_once_of_the_same_clients_do_not_stand_in_each_others_way(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        var clients = Enumerable.Range(0, 50).Select(n => $"c{n}").ToList();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(silo => Task.Run(async () =>
        {
            for (var round = 1; round <= 8; round++)
            {
                var random = new Random((silo * 100) + round);
                await store.FlushAsync(
                    Flush($"silo {silo}", round),
                    [.. clients.OrderBy(_ => random.Next()).Select(client => new UsageCount(client, Hour, "issued", round))],
                    [.. clients.OrderBy(_ => random.Next()).Select(client => new LastUse(client, "client", "", Hour.AddMinutes(round)))],
                    Cancel);
            }
        })));

        foreach (var client in clients)
        {
            Assert.Equal(6 * 36, Assert.Single(await store.ReadAsync(client, Hour, Hour.AddHours(1), Cancel)).Count);
            Assert.Equal(Hour.AddMinutes(8), Assert.Single(await store.LastUsesAsync(client, Cancel)).UsedAt);
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_thousand_clients_are_flushed_in_one_go(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new UsageStore(under.Database);
        var counts = Enumerable.Range(0, 1_000).SelectMany(n => new[] { new UsageCount($"c{n}", Hour, "issued", 1), new($"c{n}", Hour, "invalid_scope", 1) }).ToList();
        var uses = Enumerable.Range(0, 1_000).SelectMany(n => new[] { new LastUse($"c{n}", "client", "", Hour), new($"c{n}", "secret", "s", Hour) }).ToList();
        await store.FlushAsync(Flush("silo", 1), counts, uses, Cancel);

        var start = Stopwatch.GetTimestamp();
        await store.FlushAsync(Flush("silo", 2), counts, [.. uses.Select(row => row with { UsedAt = Hour.AddMinutes(1) })], Cancel);

        output.WriteLine($"{provider}: 4,000 rows moved in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms");
        Assert.Equal(2_000, (await store.TopAsync(Hour, Hour.AddHours(1), byRefused: false, 5_000, Cancel)).Sum(total => total.Issued));
    }

    private static UsageFlush Flush(string silo, long number) => new(silo, number, Hour);
}
