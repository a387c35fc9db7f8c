using System.Data.Common;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;
using AuthCluster.Storage.Revocation;
using Npgsql;

namespace AuthCluster.StorageTests.Revocation;

public sealed class RevocationStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task An_item_is_stored_once_and_comes_back_as_it_went_in(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        RevocationItem[] items =
        [
            Token("orders", "jti-1"), new(RevokedKind.Client, "orders", "orders", 9, Samples.Stored(Samples.Now)),
            new(RevokedKind.Key, "", "kid-1", 10, Samples.Stored(Samples.Now)), new(RevokedKind.All, "", RevocationItem.Everything, 11, Samples.Stored(Samples.Now)),
        ];

        await store.AddAsync(items, Cancel);
        await store.AddAsync(items, Cancel);

        Assert.Equal(items.Select(Samples.Told), (await store.FeedAsync(null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_feed_goes_on_where_a_reader_stopped(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        var seen = new List<string>();
        string? cursor = null;
        for (var round = 0; round < 4; round++)
        {
            await store.AddAsync([.. Enumerable.Range(0, 5).Select(n => Token("orders", $"jti-{round}-{n}"))], Cancel);
            for (var page = await store.FeedAsync(cursor, 2, Cancel); ; page = await store.FeedAsync(cursor, 2, Cancel))
            {
                seen.AddRange(page.Items.Select(item => item.Value));
                cursor = page.Next;
                if (page.Items.Count == 0)
                {
                    break;
                }
            }

            Assert.Equal((round + 1) * 5, seen.Count);
            Assert.Equal(cursor, (await store.FeedAsync(cursor, 2, Cancel)).Next);
        }

        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_cursor_that_this_database_did_not_give_starts_at_the_beginning(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        await store.AddAsync([Token("orders", "jti-1")], Cancel);
        var own = (await store.FeedAsync(null, 10, Cancel)).Next;

        Assert.Empty((await store.FeedAsync(own, 10, Cancel)).Items);
        foreach (var cursor in new[] { "", "x", "0", own[1..], own + "-", "l-1-1", "p0-99999999999999999999", "s0--1", own + "\0", "q" + own[1..], new string('9', 10_000) })
        {
            Assert.Single((await store.FeedAsync(cursor, 10, Cancel)).Items);
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task After_a_restore_every_reader_starts_anew_and_misses_nothing(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        await new KeyMaterialStore(under.Database).InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);
        await store.AddAsync([Token("orders", "before")], Cancel);
        var cursor = (await store.FeedAsync(null, 10, Cancel)).Next;

        await new RestoredDatabase(under.Database).MarkAsync(Samples.Now.AddHours(1), Samples.MaxTokenLifetime, Samples.Audit("restored"), forgetSilos: true, Cancel);
        await store.AddAsync([Token("orders", "after")], Cancel);

        var values = (await store.FeedAsync(cursor, 10, Cancel)).Items.Select(item => item.Value);
        Assert.Equal([RevocationItem.Everything, "after", "before"], values.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task On_postgresql_a_row_that_commits_late_is_not_passed_by()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var store = new RevocationStore(under.Database);
        string? cursor = null;
        await using var slow = await SlowTransaction.BeginAsync(under, store, "slow");
        var slower = SlowTransaction.BeginAsync(under, store, "slower");
        Assert.True(await IsStillWaitingAsync(slower));
        var quick = store.AddAsync([Token("orders", "quick")], Cancel);

        // The first transaction has its number and is still open, so later writers wait for it, and the feed shows nothing.
        Assert.True(await IsStillWaitingAsync(quick));
        Assert.Empty(await ReadOnAsync());
        await slow.CommitAsync();
        Assert.Equal(["slow"], await ReadOnAsync());
        await using (var second = await slower)
        {
            await second.CommitAsync();
        }

        await quick;
        Assert.Equal(["slower", "quick"], await ReadOnAsync());

        async Task<List<string>> ReadOnAsync()
        {
            var page = await store.FeedAsync(cursor, 10, Cancel);
            cursor = page.Next;
            return [.. page.Items.Select(item => item.Value)];
        }
    }

    [Fact]
    public async Task On_sqlite_a_row_that_commits_late_is_not_passed_by()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        var store = new RevocationStore(under.Database);
        await using var slow = await SlowTransaction.BeginAsync(under, store, "slow");
        // The driver waits by blocking its thread.
        var quick = Task.Run(() => store.AddAsync([Token("orders", "quick")], Cancel), Cancel);
        Assert.True(await IsStillWaitingAsync(quick));

        var first = await store.FeedAsync(null, 10, Cancel);
        Assert.Empty(first.Items);
        await slow.CommitAsync();
        await quick;

        Assert.Equal(["slow", "quick"], (await store.FeedAsync(first.Next, 10, Cancel)).Items.Select(item => item.Value));
    }

    [Fact]
    public async Task On_postgresql_a_long_transaction_elsewhere_does_not_hold_the_feed_back()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await using var connection = new NpgsqlConnection(under.ConnectionString);
        await connection.OpenAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using var write = new NpgsqlCommand("create table somebody_elses (id int)", connection, transaction);
        await write.ExecuteNonQueryAsync(Cancel);
        var store = new RevocationStore(under.Database);

        await store.AddAsync([Token("orders", "jti")], Cancel);

        Assert.Single((await store.FeedAsync(null, 10, Cancel)).Items);
    }

    [Fact]
    public async Task On_postgresql_a_writer_that_hangs_in_its_turn_loses_it_and_the_next_one_writes()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var store = new RevocationStore(under.Database);
        var (hangs, wakes) = (new TaskCompletionSource(), new TaskCompletionSource());
        var hanging = under.Database.WriteAsync(
            async (connection, transaction) =>
            {
                await store.AddAsync(connection, transaction, [Token("orders", "hangs")], Cancel);
                hangs.SetResult();
                await wakes.Task;
                return await store.AddAsync(connection, transaction, [Token("orders", "woken")], Cancel);
            },
            Cancel);
        await hangs.Task;

        await store.AddAsync([Token("orders", "next")], Cancel);
        wakes.SetResult();

        Assert.True(StorageFaults.IsUnavailable(await Assert.ThrowsAnyAsync<Exception>(() => hanging)));
        Assert.Equal(["next"], (await store.FeedAsync(null, 10, Cancel)).Items.Select(item => item.Value));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Readers_beside_many_writers_see_every_item_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        const int Writers = 6;
        const int Each = 40;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            var seen = new List<string>();
            string? cursor = null;
            while (seen.Count < Writers * Each && !stop.IsCancellationRequested)
            {
                var page = await store.FeedAsync(cursor, 7, Cancel);
                cursor = page.Next;
                seen.AddRange(page.Items.Select(item => item.Value));
            }

            return seen;
        })).ToList();

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var n = 0; n < Each; n += 2)
            {
                await store.AddAsync([Token("orders", $"{writer}-{n}"), Token("orders", $"{writer}-{n + 1}")], Cancel);
            }
        })));
        stop.CancelAfter(TimeSpan.FromSeconds(10));

        foreach (var seen in await Task.WhenAll(readers))
        {
            Assert.Equal(Writers * Each, seen.Count);
            Assert.Equal(Writers * Each, seen.Distinct().Count());
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_revoked_tokens_of_a_client_and_generation_are_read_and_the_unexpired_ones_counted(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        await store.AddAsync(
        [
            Token("orders", "live-1"), Token("orders", "live-2"), Token("orders", "dead") with { ExpiresAt = Samples.Now.AddSeconds(-1) },
            Token("orders", "of-a-dead-generation") with { Gen = 4 },
            Token("Orders", "other"), new(RevokedKind.Client, "orders", "orders", 1, Samples.Now.AddHours(1)),
        ],
        Cancel);

        Assert.Equal(["dead", "live-1", "live-2"], (await store.TokensAsync("orders", 5, Cancel)).Order(StringComparer.Ordinal));
        Assert.Equal((3, 2), await store.CountTokensAsync("orders", 5, Samples.Now, Cancel));
        Assert.Equal((0, 0), await store.CountTokensAsync("nobody", 5, Samples.Now, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_sweep_takes_expired_items_and_no_more_than_it_may(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new RevocationStore(under.Database);
        await store.AddAsync([.. Enumerable.Range(0, 10).Select(n => Token("orders", $"jti-{n}") with { ExpiresAt = Samples.Now.AddMinutes(n) })], Cancel);

        Assert.Equal(4, await store.SweepAsync(Samples.Now.AddMinutes(5), 4, Cancel));
        Assert.Equal(2, await store.SweepAsync(Samples.Now.AddMinutes(5), 4, Cancel));
        Assert.Equal(4, (await store.FeedAsync(null, 100, Cancel)).Items.Count);
    }

    private static RevocationItem Token(string clientId, string jti) =>
        new(RevokedKind.Token, clientId, jti, 5, Samples.Stored(Samples.Now).AddHours(1));

    private static async Task<bool> IsStillWaitingAsync(Task task) => await Task.WhenAny(task, Task.Delay(300, Cancel)) != task;

    /// <summary>A transaction that has written its row and waits.</summary>
    private sealed class SlowTransaction(DbConnection connection, DbTransaction transaction) : IAsyncDisposable
    {
        public static async Task<SlowTransaction> BeginAsync(DatabaseUnderTest under, RevocationStore store, string jti)
        {
            var connection = await under.Database.OpenAsync(Cancel);
            var transaction = await connection.BeginTransactionAsync(Cancel);
            await store.AddAsync(connection, transaction, [Token("orders", jti)], Cancel);
            return new SlowTransaction(connection, transaction);
        }

        public Task CommitAsync() => transaction.CommitAsync(Cancel);

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
