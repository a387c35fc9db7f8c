using System.Diagnostics;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Bounds what the grains of one silo ask of storage: a number of reads at a time, a wait and a deadline for
/// each, and, once storage has failed, an answer at once for everybody until a probe finds it well again.
/// </summary>
/// <remarks>
/// A flood of unknown ids therefore costs a bounded number of look-ups, and an outage costs a cold client one
/// quick answer instead of a time-out. The silo's own reading of the keys is the probe; where nothing probes,
/// one caller at a time does. Whatever goes wrong leaves here as one exception: callers need not ask whether storage was
/// away or refused a statement, and the faults of those who wait are logged here, with a bound, so that an outage does not fill the log.
/// </remarks>
internal sealed partial class StorageGate(TimeProvider clock, ILogger<StorageGate> logger) : IDisposable
{
    private const int ReadsAtOnce = 32;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadDeadline = TimeSpan.FromSeconds(2);

    // Shorter than a read's: storage that barely answers in time is not well, and those who ask are better told so than kept waiting.
    private static readonly TimeSpan ProbeDeadline = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(10);

    // Without a listener there is no activity, and nothing to pay.
    private static readonly ActivitySource Traces = new("AuthCluster.Storage");

    private readonly SemaphoreSlim _reads = new(ReadsAtOnce);
    private long _failedAt;
    private int _failing;
    private int _probing;
    private int _outageLogged;
    private long _outageLoggedAt = clock.GetTimestamp() - LogPeriod(clock);
    private long _writeLoggedAt = clock.GetTimestamp() - LogPeriod(clock);
    private long _refusalLoggedAt = clock.GetTimestamp() - LogPeriod(clock);

    /// <summary>Whether the last answer of storage was a failure.</summary>
    public bool IsFailing => Volatile.Read(ref _failing) != 0;

    /// <summary>Whether somebody probes: then no caller has to, and none waits for a database that hangs.</summary>
    public bool IsProbed { get; set; }

    /// <summary>Runs the probe: a read that is tried also while storage fails, and whose success ends that.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement.</exception>
    public Task ProbeAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken) =>
        RunAsync(read, ProbeDeadline, isOutage: true, cancellationToken);

    /// <summary>Runs one read within the bounds.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement, or too many reads wait already.</exception>
    public async Task ReadAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken)
    {
        var probe = EnterProbe();
        try
        {
            if (!await _reads.WaitAsync(LongestWait, cancellationToken))
            {
                LogOutage("too many reads wait for it");
                throw new StorageUnavailableException("Too many reads wait for storage.");
            }

            try
            {
                await RunAsync(read, ReadDeadline, isOutage: true, cancellationToken);
            }
            finally
            {
                _reads.Release();
            }
        }
        finally
        {
            if (probe)
            {
                Volatile.Write(ref _probing, 0);
            }
        }
    }

    /// <summary>Runs one write within its deadline.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement; it says whether the outcome is known.</exception>
    public async Task WriteAsync(Func<CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var probe = EnterProbe();
        try
        {
            // It may have waited for the lock of a silo that hangs, which keeps nobody else from storage: where there is a probe, that one tells.
            await RunAsync(write, WriteDeadline, isOutage: !IsProbed, cancellationToken);
        }
        finally
        {
            if (probe)
            {
                Volatile.Write(ref _probing, 0);
            }
        }
    }

    public void Dispose() => _reads.Dispose();

    /// <summary>While storage fails, lets one caller through at a time, and not more often than every quarter second.</summary>
    private bool EnterProbe()
    {
        if (!IsFailing)
        {
            return false;
        }

        if (IsProbed
            || clock.GetElapsedTime(Volatile.Read(ref _failedAt)) < ProbeEvery
            || Interlocked.CompareExchange(ref _probing, 1, 0) != 0)
        {
            throw new StorageUnavailableException("Storage does not answer at the moment.");
        }

        return true;
    }

    private async Task RunAsync(Func<CancellationToken, Task> work, TimeSpan deadline, bool isOutage, CancellationToken cancellationToken)
    {
        using var span = Traces.StartActivity("storage");
        using var timeout = new CancellationTokenSource(deadline, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // A driver that ignores cancellation must not hold the caller past the deadline either.
            await work(linked.Token).WaitAsync(linked.Token);
            Answered();
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            Unanswered("it did not answer in time", isOutage);
            throw new StorageUnavailableException("Storage did not answer in time.") { OutcomeUnknown = true };
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            // A connection that does not open waits for nobody's lock.
            Unanswered((e.InnerException ?? e).Message, isOutage || e is StorageUnavailableException);
            throw new StorageUnavailableException("Storage does not answer.", e) { OutcomeUnknown = StorageFaults.IsOutcomeUnknown(e) };
        }
        catch (Exception e) when (StorageFaults.IsFault(e))
        {
            // A table that can't be read, as without a right to it, is no reason to keep everybody from the others.
            Answered();
            if (IsDue(ref _refusalLoggedAt))
            {
                LogRefused(e);
            }

            throw new StorageUnavailableException("Storage refused a statement.", e);
        }
    }

    private void Answered()
    {
        if (IsFailing && Interlocked.Exchange(ref _failing, 0) != 0 && Interlocked.Exchange(ref _outageLogged, 0) != 0)
        {
            LogAvailable();
        }
    }

    private void Unanswered(string reason, bool isOutage)
    {
        if (isOutage)
        {
            Fail(reason);
        }
        else if (IsDue(ref _writeLoggedAt))
        {
            LogUnanswered(reason);
        }
    }

    private void Fail(string reason)
    {
        Volatile.Write(ref _failedAt, clock.GetTimestamp());
        Volatile.Write(ref _failing, 1);
        LogOutage(reason);
    }

    private void LogOutage(string reason)
    {
        if (IsDue(ref _outageLoggedAt))
        {
            Volatile.Write(ref _outageLogged, 1);
            LogUnavailable(reason);
        }
    }

    /// <summary>Whether the time for another line has come; one of those who ask at once is told so.</summary>
    private bool IsDue(ref long loggedAt)
    {
        var last = Volatile.Read(ref loggedAt);
        return clock.GetElapsedTime(last) >= LogEvery && Interlocked.CompareExchange(ref loggedAt, clock.GetTimestamp(), last) == last;
    }

    private static long LogPeriod(TimeProvider clock) => (long)(LogEvery.TotalSeconds * clock.TimestampFrequency);

    [LoggerMessage(1500, LogLevel.Warning, "Storage is not available: {Reason}")]
    private partial void LogUnavailable(string reason);

    [LoggerMessage(1506, LogLevel.Warning, "A write got no answer from storage: {Reason}")]
    private partial void LogUnanswered(string reason);

    [LoggerMessage(1504, LogLevel.Information, "Storage is available again.")]
    private partial void LogAvailable();

    [LoggerMessage(1505, LogLevel.Error, "The database refused a statement, or holds what this build does not know; what needed it gets 503.")]
    private partial void LogRefused(Exception exception);
}
