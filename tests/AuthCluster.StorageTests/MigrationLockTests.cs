using AuthCluster.Storage;
using AuthCluster.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;

namespace AuthCluster.StorageTests;

/// <summary>A migration on a database whose tables are in use: it waits, but holds nobody up for long meanwhile.</summary>
public sealed class MigrationLockTests
{
    private const string Widening = "0015_widen_client_ids";

    private const string WaitingLocks = "select count(*)::integer from pg_locks where relation = 'audit'::regclass and not granted";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readers_get_past_a_migration_that_waits_for_a_table_and_it_goes_on_when_the_table_is_free()
    {
        await using var under = await OldDatabaseAsync();
        var log = new FakeLogger<Migrator>();
        await using var blocker = new NpgsqlConnection(under.ConnectionString);
        await blocker.OpenAsync(Cancel);
        await using var open = await blocker.BeginTransactionAsync(Cancel);
        await blocker.ExecuteAsync("select count(*) from audit", transaction: open);

        var migration = new Migrator(under.Database, TimeProvider.System, log).MigrateAsync(Cancel);
        await Eventually.HoldsAsync("the migration waits", Soon, async () => (await under.QueryAsync<int>(WaitingLocks)).Single() == 1, Cancel);
        await under.ExecuteAsync("set statement_timeout = 2500; select count(*) from audit");

        Assert.False(migration.IsCompleted);
        await Eventually.HoldsAsync("the migration says that it waits", Soon, () => log.Collector.GetSnapshot().Any(IsOfWaiting), Cancel);
        await open.CommitAsync(Cancel);
        Assert.Contains(Widening, await migration);
        var line = log.Collector.GetSnapshot().First(IsOfWaiting);
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Contains(Widening, line.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("55P03")]
    [InlineData("40P01")]
    [InlineData("40001")]
    public async Task Other_transactions_that_stay_in_the_way_end_a_migration_with_one_sentence(string state)
    {
        await using var under = await OldDatabaseAsync();
        await FailEachScriptAsync(under, state);

        var refused = await Assert.ThrowsAsync<MigrationFailedException>(
            () => new Migrator(under.Database, new HurryingClock(), NullLogger<Migrator>.Instance).MigrateAsync(Cancel));

        Assert.Contains(Widening, refused.Message, StringComparison.Ordinal);
        Assert.Contains("other transactions", refused.Message, StringComparison.Ordinal);
        Assert.Contains(state, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task A_script_that_breaks_a_unique_key_is_a_script_that_failed()
    {
        await using var under = await OldDatabaseAsync();
        await FailEachScriptAsync(under, "23505");

        var refused = await Assert.ThrowsAsync<MigrationFailedException>(() => DatabaseUnderTest.MigratorOf(under.Database).MigrateAsync(Cancel));

        Assert.Contains($"script {Widening} failed", refused.Message, StringComparison.Ordinal);
    }

    private static bool IsOfWaiting(FakeLogRecord line) => line.Id.Id == 1515;

    /// <summary>A database that lacks the last script, which needs the locks of many tables.</summary>
    private static async Task<DatabaseUnderTest> OldDatabaseAsync()
    {
        var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql, migrate: false);
        foreach (var (_, text) in Scripts.Of(StorageProvider.PostgreSql).TakeWhile(script => script.Name != Widening))
        {
            await under.ExecuteAsync(text);
        }

        return under;
    }

    private static Task FailEachScriptAsync(DatabaseUnderTest under, string state) => under.ExecuteAsync($"""
        create function refuse() returns trigger language plpgsql as $$ begin raise exception 'as the test wants' using errcode = '{state}'; end $$;
        create trigger refuse before insert on schema_version for each row execute function refuse();
        """);

    /// <summary>A clock that moves by half a minute at each reading, and whose timers fire at once.</summary>
    private sealed class HurryingClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds += 30;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
