using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace AuthCluster.GrainTests.StorageAccess;

/// <summary>How the gate treats storage that does not answer, and storage that refuses.</summary>
public sealed class StorageGateTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<StorageGate> _log = new();
    // No connection is opened: each test supplies the operation itself.
    private readonly Database _database = new(StorageProvider.PostgreSql, "Host=nowhere.invalid");
    private readonly StorageGate _gate;

    public StorageGateTests() => _gate = new StorageGate(_database, _clock, _log);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<Exception> TroubleOfOne => [.. TroubleOfDatabase, FromDriver];

    /// <summary>What a driver says of its database.</summary>
    public static TheoryData<Exception> TroubleOfDatabase =>
    [
        new TimeoutException("The statement took too long."),
        new StorageUnavailableException("The database could not be reached.", new NpgsqlException("The connection pool has been exhausted")),
        new PostgresException("deadlock detected", "ERROR", "ERROR", "40P01"),
        new PostgresException("canceling statement due to lock timeout", "ERROR", "ERROR", "55P03"),
        new SqliteException("database is locked", 5),
        new OperationCanceledException("The driver's own."),
    ];

#pragma warning disable CA2201 // What a driver throws, which is what this is about.
    private static Exception FromDriver => new NullReferenceException { Source = "Microsoft.Data.SqlClient" };
#pragma warning restore CA2201

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_operation_that_storage_refuses_is_unavailable_to_its_caller_alone(bool write)
    {
        // 1: no such table.
        var refused = await FailAsync(new SqliteException("no such table: key_ring", 1), write ? StorageLane.Changes : StorageLane.Reads);

        Assert.False(refused.OutcomeUnknown);
        Assert.False(_gate.IsFailing);
        await _gate.ReadAsync(_ => Task.CompletedTask, Cancellation);
        Assert.Contains("no such table", Assert.Single(Logged(LogLevel.Error)).Exception!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TroubleOfOne))]
    public async Task A_failure_of_an_operation_affects_only_its_caller_and_begins_no_outage(Exception trouble)
    {
        foreach (var lane in Enum.GetValues<StorageLane>())
        {
            await FailAsync(trouble, lane);
        }

        Assert.False(_gate.IsFailing);
        await _gate.ReadAsync(_ => Task.CompletedTask, Cancellation);
        Assert.DoesNotContain(Logged(LogLevel.Warning), line => line.Id.Id == 1500);
    }

    [Theory]
    [MemberData(nameof(TroubleOfOne))]
    public async Task A_probe_without_an_answer_begins_an_outage_and_one_with_an_answer_ends_it(Exception trouble)
    {
        // A deadlock is an answer: the database is there, since it found the deadlock.
        var isAnswer = trouble is PostgresException { SqlState: "40P01" };

        Assert.Equal(isAnswer, await _gate.ProbeAsync(_ => throw trouble, Cancellation));
        Assert.Equal(!isAnswer, _gate.IsFailing);

        Assert.True(await _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation));
        Assert.False(_gate.IsFailing);
    }

    [Fact]
    public async Task A_read_that_takes_too_long_is_cut_at_its_deadline_and_is_no_outage()
    {
        var begun = new TaskCompletionSource();
        var read = _gate.ReadAsync(
            token =>
            {
                begun.SetResult();
                return Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
            },
            Cancellation);
        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(2));

        var failed = await Assert.ThrowsAsync<StorageUnavailableException>(() => read);

        Assert.True(failed.OutcomeUnknown);
        Assert.False(_gate.IsFailing);
        Assert.Equal("An operation (Reads) got no answer from storage: it did not answer in time", Assert.Single(Logged(LogLevel.Warning)).Message);
    }

    [Fact]
    public async Task A_write_that_waited_for_its_turn_until_the_deadline_is_known_not_to_be_made()
    {
        await using var sqlite = new Database(StorageProvider.Sqlite, "Data Source=unused.db");
        var gate = new StorageGate(sqlite, _clock, _log);
        using var turn = await sqlite.EnterWriteAsync(Cancellation);
        var begun = new TaskCompletionSource();

        var write = gate.RunAsync(
            StorageLane.Changes,
            async token =>
            {
                begun.SetResult();
                using var never = await sqlite.EnterWriteAsync(token);
            },
            Cancellation);
        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.False((await Assert.ThrowsAsync<StorageUnavailableException>(() => write)).OutcomeUnknown);
    }

    [Fact]
    public async Task A_driver_that_ignores_cancellation_holds_its_slot_but_not_its_caller()
    {
        var letGo = new TaskCompletionSource();
        for (var slots = LaneBounds.Of(_database)[StorageLane.Probe].MaxConcurrent; slots > 0; slots--)
        {
            var probe = _gate.ProbeAsync(_ => letGo.Task, Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(1.75));
            Assert.False(await probe);
        }

        // As many probes wait for an answer as there may be: another one is not tried, even one that would succeed.
        Assert.False(await _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation));
        letGo.SetResult();

        await TestKit.Eventually.HoldsAsync(
            "a slot is free again", TimeSpan.FromSeconds(10), () => _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation), Cancellation);
    }

    [Fact]
    public async Task While_storage_fails_everybody_is_told_at_once_those_who_wait_for_a_slot_included()
    {
        var busy = new TaskCompletionSource();
        var slots = LaneBounds.Of(_database)[StorageLane.Background].MaxConcurrent;
        var running = Enumerable.Range(0, slots).Select(_ => _gate.WriteAsync(_ => busy.Task, Cancellation)).ToList();
        var waiting = Enumerable.Range(0, 100).Select(_ => _gate.WriteAsync(_ => throw new InvalidOperationException("It was tried."), Cancellation)).ToList();

        await _gate.ProbeAsync(_ => throw new TimeoutException(), Cancellation);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _gate.ReadAsync(_ => throw new InvalidOperationException("It was tried."), Cancellation));
        busy.SetResult();

        await Task.WhenAll(running);
        foreach (var one in waiting)
        {
            Assert.False((await Assert.ThrowsAsync<StorageUnavailableException>(() => one)).OutcomeUnknown);
        }
    }

    [Fact]
    public async Task Twenty_thousand_writes_at_once_take_turns_and_none_fails_while_reads_and_changes_go_on()
    {
        // The system's clock, because the fake clock looks at all waiting timers whenever one more is added.
        var gate = new StorageGate(_database, TimeProvider.System, _log);
        var slots = LaneBounds.Of(_database)[StorageLane.Background].MaxConcurrent;
        var (running, most, done) = (0, 0, 0);
        var hold = new TaskCompletionSource();
        var writes = Enumerable.Range(0, 20_000).Select(_ => gate.WriteAsync(
            async _ =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await hold.Task;
                Interlocked.Decrement(ref running);
                Interlocked.Increment(ref done);
            },
            Cancellation)).ToList();

        await gate.ReadAsync(_ => Task.CompletedTask, Cancellation);
        await gate.RunAsync(StorageLane.Changes, _ => Task.CompletedTask, Cancellation);
        Assert.Equal(0, done);
        hold.SetResult();
        await Task.WhenAll(writes);

        Assert.Equal(20_000, done);
        Assert.Equal(slots, most);
    }

    [Fact]
    public async Task A_caller_who_waits_in_vain_or_is_one_too_many_learns_that_nothing_was_begun()
    {
        var busy = new TaskCompletionSource();
        var bounds = LaneBounds.Of(_database)[StorageLane.Changes];
        var running = Enumerable.Range(0, bounds.MaxConcurrent).Select(_ => _gate.RunAsync(StorageLane.Changes, _ => busy.Task, Cancellation)).ToList();
        var waiting = Enumerable.Range(0, bounds.MaxWaiting).Select(_ => _gate.RunAsync(StorageLane.Changes, _ => Task.CompletedTask, Cancellation)).ToList();

        var tooMany = await Assert.ThrowsAsync<StorageUnavailableException>(() => _gate.RunAsync(StorageLane.Changes, _ => Task.CompletedTask, Cancellation));
        Assert.DoesNotContain(waiting, one => one.IsCompleted);
        _clock.Advance(bounds.MaxWait);
        foreach (var one in waiting)
        {
            Assert.False((await Assert.ThrowsAsync<StorageUnavailableException>(() => one)).OutcomeUnknown);
        }

        Assert.False(tooMany.OutcomeUnknown);
        Assert.False(_gate.IsFailing);
        busy.SetResult();
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task A_caller_who_leaves_is_no_fault_of_storage_whatever_the_driver_throws_then()
    {
        using var caller = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        var read = _gate.ReadAsync(
            async token =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                throw new TimeoutException();
            },
            caller.Token);
        await begun.Task;

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task A_probe_that_is_refused_or_not_understood_ends_an_outage()
    {
        foreach (var answer in new Exception[] { new SqliteException("no such table: key_ring", 1), new InvalidDataException("unknown state") })
        {
            await _gate.ProbeAsync(_ => throw new TimeoutException(), Cancellation);
            Assert.True(_gate.IsFailing);

            Assert.True(await _gate.ProbeAsync(_ => throw answer, Cancellation));

            Assert.False(_gate.IsFailing);
        }
    }

    [Fact]
    public async Task An_outage_is_logged_once_in_ten_seconds_and_its_end_once()
    {
        for (var second = 0; second < 25; second++)
        {
            await _gate.ProbeAsync(_ => throw new StorageUnavailableException("away", new IOException("the server is silent")), Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        await _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation);
        await _gate.ProbeAsync(_ => Task.CompletedTask, Cancellation);

        Assert.All(Logged(LogLevel.Warning), line => Assert.Equal("Storage is not available: the server is silent", line.Message));
        Assert.All(Logged(LogLevel.Warning), line => Assert.Null(line.Exception));
        Assert.Equal(3, Logged(LogLevel.Warning).Count);
        Assert.Equal("Storage is available again.", Assert.Single(Logged(LogLevel.Information)).Message);
    }

    [Fact]
    public async Task Work_that_outlives_the_services_ends_well_and_gives_its_slot_back()
    {
        var services = new ServiceCollection().AddSingleton(_database).AddSingleton<TimeProvider>(_clock).AddSingleton<ILogger<StorageGate>>(_log).AddSingleton<StorageGate>();
        var provider = services.BuildServiceProvider();
        var gate = provider.GetRequiredService<StorageGate>();
        var slots = LaneBounds.Of(_database)[StorageLane.Changes].MaxConcurrent;
        var busy = new TaskCompletionSource();
        var running = Enumerable.Range(0, slots).Select(_ => gate.RunAsync(StorageLane.Changes, _ => busy.Task, Cancellation)).ToList();
        var waiting = gate.RunAsync(StorageLane.Changes, _ => Task.CompletedTask, Cancellation);

        await provider.DisposeAsync();
        busy.SetResult();

        await Task.WhenAll(running);
        await waiting;
        await gate.RunAsync(StorageLane.Changes, _ => Task.CompletedTask, Cancellation);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task On_sqlite_lists_reports_and_probes_need_no_thread_of_the_pool()
    {
        await using var sqlite = new Database(StorageProvider.Sqlite, "Data Source=unused.db");
        var gate = new StorageGate(sqlite, _clock, _log);
        foreach (var lane in Enum.GetValues<StorageLane>())
        {
            var isOfPool = false;
            await gate.RunAsync(
                lane,
                _ =>
                {
                    isOfPool = Thread.CurrentThread.IsThreadPoolThread;
                    return Task.CompletedTask;
                },
                Cancellation);

            Assert.Equal(lane is not (StorageLane.Probe or StorageLane.Lists or StorageLane.Reports), isOfPool);
        }
    }

    [Fact]
    public async Task An_error_in_the_code_of_a_driver_is_logged_with_its_stack_once_in_ten_seconds()
    {
        foreach (var lane in Enum.GetValues<StorageLane>())
        {
            await FailAsync(FromDriver, lane);
            await FailAsync(new StorageUnavailableException("The connection to the database broke.", FromDriver), lane);
        }

        Assert.IsType<NullReferenceException>(Assert.Single(Logged(LogLevel.Error)).Exception!.GetBaseException());
        _clock.Advance(TimeSpan.FromSeconds(10));
        await FailAsync(FromDriver, StorageLane.Reads);
        Assert.Equal(2, Logged(LogLevel.Error).Count);
    }

    [Theory]
    [MemberData(nameof(TroubleOfDatabase))]
    public async Task What_a_driver_says_of_the_database_is_logged_without_a_stack(Exception trouble)
    {
        await FailAsync(trouble, StorageLane.Reads);

        Assert.All(_log.Collector.GetSnapshot(), line => Assert.Null(line.Exception));
    }

    [Fact]
    public async Task An_exception_that_is_no_fault_of_storage_passes_as_it_is()
    {
        await Assert.ThrowsAsync<FormatException>(() => _gate.ReadAsync(_ => throw new FormatException(), Cancellation));

        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task A_slow_list_of_sqlite_is_cut_at_its_deadline_and_others_read_meanwhile()
    {
        using var folder = new TestKit.TemporaryFolder();
        await using var sqlite = new Database(StorageProvider.Sqlite, $"Data Source={folder.PathOf("test.db")}");
        var gate = new StorageGate(sqlite, _clock, _log);
        var begun = new TaskCompletionSource();
        var list = gate.RunAsync(StorageLane.Lists, SlowAsync, Cancellation);
        await begun.Task;

        for (var reads = 0; reads < 20; reads++)
        {
            await gate.ReadAsync(new StorageProbe(sqlite).AnswerAsync, Cancellation);
        }

        Assert.False(list.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.False((await Assert.ThrowsAsync<StorageUnavailableException>(() => list)).OutcomeUnknown);
        Assert.False(gate.IsFailing);

        async Task SlowAsync(CancellationToken token)
        {
            await using var connection = await sqlite.OpenAsync(token);
            await using var endless = connection.CreateCommand();
            endless.CommandText = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000000000) select count(*) from n";
            begun.SetResult();
            await endless.ExecuteScalarAsync(token);
        }
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private Task<StorageUnavailableException> FailAsync(Exception failure, StorageLane lane) => Assert.ThrowsAsync<StorageUnavailableException>(
        () => _gate.RunAsync(lane, _ => throw failure, Cancellation));

    private List<FakeLogRecord> Logged(LogLevel level) => [.. _log.Collector.GetSnapshot().Where(record => record.Level == level)];
}
