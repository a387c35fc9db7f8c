using System.Diagnostics;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Revocation;
using AuthCluster.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace AuthCluster.StorageTests;

/// <summary>SQLite works in its caller's thread. Even so a statement ends when its token is cancelled, and harms no other caller.</summary>
public sealed class SqliteDeadlineTests
{
    /// <summary>A statement that would run for hours.</summary>
    private const string Endless = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000000000) select count(*) from n";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_statement_is_cut_when_its_token_is_cancelled()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        using var given = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = Task.Run(() => EndlessAsync(under, begun, given.Token), Cancel);
        await begun.Task.WaitAsync(Soon, Cancel);
        var start = Stopwatch.GetTimestamp();

        given.CancelAfter(TimeSpan.FromMilliseconds(50));
        var cut = await Assert.ThrowsAsync<SqliteException>(() => reading);

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, Soon);
        Assert.Equal(StorageFault.Unavailable, StorageFaults.Of(cut));
        Assert.False(StorageFaults.IsOutcomeUnknown(cut));
    }

    [Fact]
    public async Task A_reader_of_a_slow_statement_keeps_no_other_from_reading()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = Task.Factory.StartNew(
            () => EndlessAsync(under, begun, given.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        await begun.Task.WaitAsync(Soon, Cancel);

        for (var reads = 0; reads < 20; reads++)
        {
            await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel);
        }

        Assert.False(slow.IsCompleted);
        await given.CancelAsync();
        await Assert.ThrowsAsync<SqliteException>(() => slow);
    }

    [Fact]
    public async Task A_token_that_is_cancelled_at_any_moment_never_cuts_the_next_user_of_the_connection()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        for (var round = 0; round < 300; round++)
        {
            using var token = new CancellationTokenSource();
            var cancelling = Task.Run(async () =>
            {
                SpinFor(TimeSpan.FromMicroseconds(round * 2));
                await token.CancelAsync();
            }, Cancel);
            try
            {
                await new RevocationStore(under.Database).FeedAsync(null, 10, token.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SqliteException { SqliteErrorCode: 9 })
            {
                // The cancellation came before the end of the statement.
            }

            await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel);
            await cancelling;
            await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel);
        }
    }

    [Fact]
    public async Task A_write_that_is_cut_has_written_nothing_and_the_next_writer_goes_on()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        using var deadline = new CancellationTokenSource();
        var store = new RevocationStore(under.Database);

        var cut = await Assert.ThrowsAsync<SqliteException>(() => Task.Run(
            () => under.Database.WriteAsync(
                async (connection, transaction) =>
                {
                    await store.AddAsync(connection, transaction, [Item("half")], deadline.Token);
                    deadline.CancelAfter(TimeSpan.FromMilliseconds(100));
                    return await Database.ScalarAsync<long>(connection, transaction, Endless, null, deadline.Token);
                },
                deadline.Token),
            Cancel));
        await store.AddAsync([Item("whole")], Cancel);

        Assert.False(StorageFaults.IsOutcomeUnknown(cut));
        Assert.Equal(["whole"], (await store.FeedAsync(null, 10, Cancel)).Items.Select(item => item.Value));
    }

    [Fact]
    public async Task A_writer_that_waits_in_vain_for_its_turn_has_written_nothing()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        using var turn = await under.Database.EnterWriteAsync(Cancel);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        var gaveUp = await Assert.ThrowsAsync<CanceledBeforeWriteException>(
            () => new RevocationStore(under.Database).AddAsync([Item("never")], patience.Token));

        Assert.False(StorageFaults.IsOutcomeUnknown(gaveUp));
    }

    private static RevocationItem Item(string jti) => new(RevokedKind.Token, "orders", jti, 1, Samples.Now);

    private static Task<long> EndlessAsync(DatabaseUnderTest under, TaskCompletionSource begun, CancellationToken cancellationToken) =>
        under.Database.ReadAsync(
            connection =>
            {
                ((SqliteLease)connection).Connection.CreateFunction("begun", () =>
                {
                    begun.TrySetResult();
                    return 1L;
                });
                return Database.ScalarAsync<long>(connection, null, Endless.Replace("select 1", "select begun()", StringComparison.Ordinal), null, cancellationToken);
            },
            cancellationToken);

    private static void SpinFor(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            Thread.SpinWait(10);
        }
    }
}
