using System.Collections.Concurrent;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Npgsql;

namespace AuthCluster.StorageTests;

/// <summary>How transactions fail: what a caller learns is why, and whether something was written.</summary>
public sealed class TransactionTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Hour = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

#pragma warning disable CA2201 // What drivers throw, which is what this is about.
    public static TheoryData<Exception> WhatDisposalThrows => [new InvalidOperationException("closed"), new NullReferenceException(), new ObjectDisposedException("it")];
#pragma warning restore CA2201

    [Theory]
    [MemberData(nameof(WhatDisposalThrows))]
    public async Task An_exception_at_the_disposal_of_a_broken_transaction_does_not_hide_why_it_broke(Exception atDisposal)
    {
        var killed = new NpgsqlException("The session was killed.");
        await using var database = Breaking(new Breakage { AtDisposal = atDisposal, AtClosing = atDisposal });

        var write = await Assert.ThrowsAsync<StorageUnavailableException>(() => database.WriteAsync<int>((_, _) => throw killed, Cancel));
        var read = await Assert.ThrowsAsync<StorageUnavailableException>(() => database.ReadTogetherAsync<int>((_, _) => throw killed, Cancel));

        Assert.Same(killed, write.InnerException);
        Assert.Same(killed, read.InnerException);
    }

    [Theory]
    [MemberData(nameof(WhatDisposalThrows))]
    public async Task What_a_driver_throws_from_a_connection_that_is_gone_is_an_outage_whatever_its_type(Exception thrown)
    {
        await using var database = Breaking(new Breakage { IsGone = true, AtDisposal = thrown });

        var failure = await Assert.ThrowsAsync<StorageUnavailableException>(() => database.WriteAsync<int>((_, _) => throw thrown, Cancel));

        Assert.Equal(StorageFault.Unavailable, StorageFaults.Of(failure));
        Assert.Same(thrown, failure.InnerException);
    }

    [Fact]
    public async Task A_mistake_of_this_program_on_a_sound_connection_is_no_outage()
    {
        await using var database = Breaking(new Breakage());

        await Assert.ThrowsAsync<InvalidCastException>(() => database.WriteAsync<int>((_, _) => throw new InvalidCastException(), Cancel));
    }

    [Fact]
    public async Task A_result_that_is_committed_is_answered_whatever_disposing_throws()
    {
        await using var database = Breaking(new Breakage { AtDisposal = new InvalidOperationException(), AtClosing = new ObjectDisposedException("it") });

        Assert.Equal(7, await database.WriteAsync((_, _) => Task.FromResult(7), Cancel));
    }

    [Fact]
    public async Task Only_a_commit_that_got_no_answer_leaves_the_outcome_unknown()
    {
        var lost = new NpgsqlException("The connection broke.");
        await using var before = Breaking(new Breakage());
        await using var within = Breaking(new Breakage { AtCommit = lost });
        await using var refused = Breaking(new Breakage { AtCommit = new PostgresException("", "ERROR", "ERROR", "23514") });

        var notWritten = await Assert.ThrowsAsync<StorageUnavailableException>(() => before.WriteAsync<int>((_, _) => throw lost, Cancel));
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => before.WriteAsync<int>((_, _) => throw new OperationCanceledException(), Cancel));
        var unknown = await Assert.ThrowsAsync<NpgsqlException>(() => within.WriteAsync((_, _) => Task.FromResult(1), Cancel));
        var rejected = await Assert.ThrowsAsync<PostgresException>(() => refused.WriteAsync((_, _) => Task.FromResult(1), Cancel));

        Assert.False(StorageFaults.IsOutcomeUnknown(notWritten));
        Assert.False(StorageFaults.IsOutcomeUnknown(cancelled));
        Assert.True(StorageFaults.IsOutcomeUnknown(unknown));
        Assert.False(StorageFaults.IsOutcomeUnknown(rejected));
    }

    [Theory]
    [InlineData("40001")]
    [InlineData("40P01")]
    public async Task A_deadlock_is_tried_again_in_reads_and_writes_but_not_for_ever(string state)
    {
        var source = new BreakingDatabase(new Breakage());
        await using var database = new Database(StorageProvider.SqlServer, source);
        var victim = new PostgresException("", "ERROR", "ERROR", state);
        foreach (var run in new Func<Func<int>, Task<int>>[]
        {
            work => database.WriteAsync((_, _) => Task.FromResult(work()), Cancel),
            work => database.ReadTogetherAsync((_, _) => Task.FromResult(work()), Cancel),
            work => database.ReadAsync(_ => Task.FromResult(work()), Cancel),
        })
        {
            var tries = 0;
            Assert.Equal(3, await run(() => ++tries < 3 ? throw victim : tries));

            tries = 0;
            Assert.Same(victim, await Assert.ThrowsAsync<PostgresException>(() => run(() => ++tries > 0 ? throw victim : tries)));
            Assert.Equal(3, tries);
        }
    }

    [Fact]
    public async Task When_postgresql_ends_sessions_within_transactions_only_storage_faults_are_thrown_and_each_flush_counts_once()
    {
        const int Writers = 8;
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await using var others = new Database(StorageProvider.PostgreSql, under.ConnectionString + ";Application Name=the one who kills");
        var faults = new ConcurrentDictionary<StorageFault, int>();
        var done = 0;
        var usage = new UsageStore(under.Database);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        var writing = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            // A flush whose outcome is not known is repeated under its number.
            for (var number = 1; !enough.IsCancellationRequested; number++)
            {
                for (var isStored = false; !isStored;)
                {
                    try
                    {
                        var rows = Enumerable.Range(0, 50).Select(n => new UsageCount($"c-{n}", Hour, "issued", 1));
                        await usage.FlushAsync(new UsageFlush($"w-{writer}", number, Hour), [.. rows], [], Cancel);
                        isStored = true;
                        Interlocked.Increment(ref done);
                    }
                    catch (Exception e) when (StorageFaults.IsFault(e))
                    {
                        faults.AddOrUpdate(StorageFaults.Of(e), 1, (_, n) => n + 1);
                    }
                }
            }
        })).ToList();
        for (var round = 0; round < 100; round++)
        {
            await others.ReadAsync(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'authcluster'",
                null, row => row.GetBoolean(0), Cancel);
            await Task.Delay(5, Cancel);
        }

        await enough.CancelAsync();
        await Task.WhenAll(writing);
        output.WriteLine($"{done} flushes, {string.Join(", ", faults)}");
        Assert.NotEmpty(faults);
        Assert.Equal(done, Assert.Single(await usage.ReadAsync("c-7", Hour, Hour.AddHours(1), Cancel)).Count);
    }

    private static Database Breaking(Breakage breakage) => new(StorageProvider.SqlServer, new BreakingDatabase(breakage));
}
