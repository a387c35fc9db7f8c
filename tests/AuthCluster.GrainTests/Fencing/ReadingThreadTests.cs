using System.Collections.Concurrent;
using System.Data.Common;
using AuthCluster.Grains.Fencing;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Microsoft.Data.Sqlite;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>Readings that hang, fail, or come late, on the thread that a silo keeps for them.</summary>
public sealed class ReadingThreadTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(20);
    private static readonly FenceReading Found = new(1, 7, [SiloTable.Row(1)]);

    private readonly ConcurrentQueue<(FenceReading Reading, TimeSpan Began)> _late = new();
    private readonly ConcurrentDictionary<Thread, bool> _threads = new();
    private readonly TaskCompletionSource _release = new();
    private readonly ReadingThread _reader;
    private ReadInThread _read = (ref _) => Found;
    private TimeSpan _now;

    public ReadingThreadTests() => _reader = new ReadingThread(ReadAsToldTo, () => _now, (reading, began) => _late.Enqueue((reading, began)));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void All_readings_that_are_answered_in_time_are_made_on_one_thread_that_is_not_the_callers_and_by_one_connection()
    {
        var connections = new List<DbConnection>();
        _read = (ref connection) =>
        {
            connections.Add(connection ??= new SqliteConnection());
            return Found;
        };

        Assert.Same(Found, _reader.Read(Patience, out _));
        Assert.Same(Found, _reader.Read(Patience, out _));

        Assert.NotSame(Thread.CurrentThread, Assert.Single(_threads).Key);
        Assert.Same(connections[0], connections[1]);
    }

    [Fact]
    public void After_a_reading_that_failed_the_next_one_is_made_by_another_connection()
    {
        var closed = new List<DbConnection>();
        _read = (ref connection) =>
        {
            connection = new SqliteConnection();
            connection.Disposed += (sender, _) => closed.Add((DbConnection)sender!);
            throw new TimeoutException("the cause");
        };
        Assert.Null(_reader.Read(Patience, out var failure));
        Assert.Equal("the cause", failure!.Message);

        var isNew = false;
        _read = (ref connection) =>
        {
            isNew = connection is null;
            return Found;
        };

        Assert.Same(Found, _reader.Read(Patience, out failure));
        Assert.True(isNew);
        Assert.Null(failure);
        Assert.Single(closed);
        Assert.Single(_threads);
    }

    [Fact]
    public void A_broken_connection_that_cannot_be_closed_ends_neither_the_thread_nor_the_process()
    {
        _read = (ref connection) =>
        {
            connection = new SqliteConnection();
            connection.Disposed += (_, _) => throw new InvalidOperationException("The session was killed.");
            throw new TimeoutException("the cause");
        };
        Assert.Null(_reader.Read(Patience, out var failure));
        Assert.Equal("the cause", failure!.Message);

        _read = (ref _) => Found;
        Assert.Same(Found, _reader.Read(Patience, out _));
        Assert.Single(_threads);
    }

    [Fact]
    public async Task A_reading_that_hangs_has_failed_the_next_one_gets_another_thread_and_a_late_answer_is_taken_by_when_it_began()
    {
        var late = new FenceReading(5, 7, []);
        _now = TimeSpan.FromSeconds(1);
        Hang(late);
        ReadUntil(threads: 1);

        _now = TimeSpan.FromSeconds(2);
        _read = (ref _) => Found;
        Assert.Same(Found, _reader.Read(Patience, out _));
        Assert.Equal(2, _threads.Count);
        Assert.Empty(_late);
        _release.TrySetResult();

        await Eventually.HoldsAsync("the late reading is taken", Patience, () => !_late.IsEmpty, Cancellation);
        Assert.Equal([(late, TimeSpan.FromSeconds(1))], _late);
    }

    [Fact]
    public async Task No_more_than_four_readings_hang_at_once_and_when_they_have_ended_readings_are_made_again()
    {
        Hang(Found);
        ReadUntil(threads: 4);

        _read = (ref _) => Found;
        Assert.Null(_reader.Read(TimeSpan.FromMilliseconds(200), out var failure));
        Assert.IsType<TimeoutException>(failure);
        Assert.Equal(4, _threads.Count);
        _release.TrySetResult();

        await Eventually.HoldsAsync("readings are made again", Patience, () => _reader.Read(Short, out _) is not null, Cancellation);
        await Eventually.HoldsAsync("the late readings are taken", Patience, () => _late.Count >= 4, Cancellation);
    }

    [Fact]
    public void The_thread_ends_and_closes_its_connection_when_the_reader_is_disposed()
    {
        using var closed = new ManualResetEventSlim();
        _read = (ref connection) =>
        {
            connection = new SqliteConnection();
            connection.Disposed += (_, _) => closed.Set();
            return Found;
        };
        _reader.Read(Patience, out _);

        _reader.Dispose();

        Assert.True(closed.Wait(Patience, Cancellation));
        Assert.True(Assert.Single(_threads).Key.Join(Patience));
    }

    public void Dispose()
    {
        _release.TrySetResult();
        _reader.Dispose();
    }

    /// <summary>Readings hang from now on until they are released, and then answer.</summary>
    private void Hang(FenceReading answer) => _read = (ref _) =>
    {
        _release.Task.Wait(Patience);
        return answer;
    };

    /// <summary>Reads until so many threads hang. A thread that starts too late for its reading ends at once.</summary>
    private void ReadUntil(int threads)
    {
        while (_threads.Count < threads)
        {
            Assert.Null(_reader.Read(Short, out var failure));
            Assert.IsType<TimeoutException>(failure);
        }
    }

    private FenceReading? ReadAsToldTo(ref DbConnection? connection)
    {
        _threads.TryAdd(Thread.CurrentThread, true);
        return _read(ref connection);
    }
}
