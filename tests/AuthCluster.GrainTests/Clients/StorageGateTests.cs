using AuthCluster.Grains.Clients;
using AuthCluster.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Clients;

/// <summary>What the gate makes of storage that is away, and of storage that refuses.</summary>
public sealed class StorageGateTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<StorageGate> _log = new();
    private readonly StorageGate _gate;

    public StorageGateTests() => _gate = new StorageGate(_clock, _log);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _gate.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_storage_refuses_is_unavailable_to_its_caller_alone(bool write)
    {
        // 1: no such table.
        var refused = await FailAsync(new SqliteException("no such table: key_ring", 1), write);

        Assert.False(refused.OutcomeUnknown);
        Assert.False(_gate.IsFailing);
        await _gate.ReadAsync(_ => Task.CompletedTask, Cancellation);
        Assert.Contains("no such table", Assert.Single(Logged(LogLevel.Error)).Exception!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_that_waits_for_a_lock_too_long_is_an_outage_only_where_nobody_probes(bool probed)
    {
        _gate.IsProbed = probed;

        var write = _gate.WriteAsync(token => Task.Delay(Timeout.InfiniteTimeSpan, _clock, token), Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(5));
        var failed = await Assert.ThrowsAsync<StorageUnavailableException>(() => write);

        Assert.True(failed.OutcomeUnknown);
        Assert.Equal(!probed, _gate.IsFailing);
        Assert.Single(Logged(LogLevel.Warning));
    }

    [Fact]
    public async Task Where_somebody_probes_a_write_whose_driver_gave_up_is_no_outage_but_one_that_gets_no_connection_is()
    {
        _gate.IsProbed = true;

        Assert.True((await FailAsync(new TimeoutException("The statement took too long."), write: true)).OutcomeUnknown);
        Assert.False(_gate.IsFailing);

        await FailAsync(new StorageUnavailableException("The database could not be reached.", new IOException("Connection refused")), write: true);
        Assert.True(_gate.IsFailing);
        Assert.Equal(
            ["A write got no answer from storage: The statement took too long.", "Storage is not available: Connection refused"],
            Logged(LogLevel.Warning).Select(line => line.Message));
    }

    [Fact]
    public async Task A_probe_that_is_refused_or_not_understood_ends_an_outage()
    {
        _gate.IsProbed = true;
        foreach (var answer in new Exception[] { new SqliteException("no such table: key_ring", 1), new InvalidDataException("unknown state") })
        {
            await FailAsync(new TimeoutException());
            Assert.True(_gate.IsFailing);

            await Assert.ThrowsAsync<StorageUnavailableException>(() => _gate.ProbeAsync(_ => throw answer, Cancellation));

            Assert.False(_gate.IsFailing);
        }
    }

    [Fact]
    public async Task An_outage_is_logged_once_in_ten_seconds_and_its_end_once()
    {
        for (var second = 0; second < 25; second++)
        {
            await FailAsync(new TimeoutException("the server is silent"));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        await _gate.ReadAsync(_ => Task.CompletedTask, Cancellation);
        await _gate.ReadAsync(_ => Task.CompletedTask, Cancellation);

        Assert.All(Logged(LogLevel.Warning), line => Assert.Equal("Storage is not available: the server is silent", line.Message));
        Assert.All(Logged(LogLevel.Warning), line => Assert.Null(line.Exception));
        Assert.Equal(3, Logged(LogLevel.Warning).Count);
        Assert.Equal("Storage is available again.", Assert.Single(Logged(LogLevel.Information)).Message);
    }

    [Fact]
    public async Task What_is_no_fault_of_storage_passes_as_it_is()
    {
        await Assert.ThrowsAsync<FormatException>(() => _gate.ReadAsync(_ => throw new FormatException(), Cancellation));

        Assert.Empty(_log.Collector.GetSnapshot());
    }

    private Task<StorageUnavailableException> FailAsync(Exception failure, bool write = false) => Assert.ThrowsAsync<StorageUnavailableException>(
        () => write ? _gate.WriteAsync(_ => throw failure, Cancellation) : _gate.ReadAsync(_ => throw failure, Cancellation));

    private List<FakeLogRecord> Logged(LogLevel level) => [.. _log.Collector.GetSnapshot().Where(record => record.Level == level)];
}
