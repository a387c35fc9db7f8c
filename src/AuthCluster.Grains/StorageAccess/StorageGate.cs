using System.Diagnostics;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.StorageAccess;

/// <summary>
/// Bounds what one silo asks of storage: a number of operations of each kind at a time, and for each a wait and a deadline. During an outage
/// every caller is told at once.
/// </summary>
/// <remarks>
/// <para>So a flood of unknown ids costs a bounded number of look-ups, and in an outage a client that is not in memory gets a
/// quick answer instead of a time-out. Only the silo's own probe begins and ends an outage: a slow read, a lock or an exhausted pool
/// concerns the callers that meet it, not all.</para>
/// <para>Every failure of storage leaves here as one exception, or as one <see cref="StorageOutcome"/>: callers need not tell whether storage was
/// away or refused a statement. Failures are logged here at most once in ten seconds, so that an outage does not fill the log.</para>
/// </remarks>
internal sealed partial class StorageGate
{
    // After the deadline, time for a driver that observes its token to say what became of the write.
    private static readonly TimeSpan GraceForDriver = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    // Without a listener there is no activity, and no cost.
    private static readonly ActivitySource Traces = new("AuthCluster.Storage");

    private readonly TimeProvider _clock;
    private readonly ILogger<StorageGate> _logger;
    private readonly bool _holdsItsCaller;
    private readonly Dictionary<StorageLane, LaneSlots> _lanes;
    private int _failing;
    private int _outageLogged;
    private long _outageLoggedAt;
    private long _unansweredLoggedAt;
    private long _refusalLoggedAt;
    private long _errorLoggedAt;

    public StorageGate(Database database, TimeProvider clock, ILogger<StorageGate> logger)
    {
        _clock = clock;
        _logger = logger;
        _holdsItsCaller = database.HoldsItsCaller;
        _lanes = LaneBounds.Of(database).ToDictionary(lane => lane.Key, lane => new LaneSlots(lane.Value, clock));
        _outageLoggedAt = _unansweredLoggedAt = _refusalLoggedAt = _errorLoggedAt = clock.GetTimestamp() - (long)(LogInterval.TotalSeconds * clock.TimestampFrequency);
    }

    /// <summary>Whether the last probe failed. Then only the probe asks storage.</summary>
    public bool IsFailing => Volatile.Read(ref _failing) != 0;

    /// <summary>Runs the probe, also during an outage. A failure begins an outage, an answer ends it.</summary>
    /// <returns>Whether storage answered; a refusal is an answer.</returns>
    public async Task<bool> ProbeAsync(Func<CancellationToken, Task> probe, CancellationToken cancellationToken)
    {
        // No slot is free while earlier probes still wait for an answer.
        using var slot = await _lanes[StorageLane.Probe].EnterAsync(cancellationToken);
        if (slot is null)
        {
            Fail("it did not answer in time");
            return false;
        }

        try
        {
            await RunAsync(slot, StorageLane.Probe, probe, cancellationToken);
        }
        catch (StorageUnavailableException e) when (e.InnerException is null || StorageFaults.Of(e.InnerException) is not (StorageFault.Rejected or StorageFault.Conflict))
        {
            Fail(ReasonOf(e));
            return false;
        }
        catch (StorageUnavailableException)
        {
            // A refusal is an answer.
        }

        Answered();
        return true;
    }

    /// <summary>Notes that storage has answered the silo's own regular question, which ends an outage.</summary>
    public void Answered()
    {
        if (Interlocked.Exchange(ref _failing, 0) != 0 && Interlocked.Exchange(ref _outageLogged, 0) != 0)
        {
            LogAvailable();
        }
    }

    /// <summary>Runs one operation within the bounds of its lane, for a caller that answers somebody: failures are values.</summary>
    public async Task<StorageOutcome> AskAsync(StorageLane lane, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(lane, work, cancellationToken);
            return StorageOutcome.Done;
        }
        catch (StorageUnavailableException e)
        {
            return e.OutcomeUnknown ? StorageOutcome.Unknown : StorageOutcome.Unavailable;
        }
    }

    /// <summary>Reads within the bounds of a lane, for a caller that answers somebody: failures are values.</summary>
    public async Task<StorageAnswer<T>> AskAsync<T>(StorageLane lane, Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        T? value = default;
        var outcome = await AskAsync(lane, async Task (token) => value = await read(token), cancellationToken);
        return new StorageAnswer<T>(outcome, outcome == StorageOutcome.Done ? value : default);
    }

    /// <summary>Runs one read that a request waits for, within the bounds.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement, or too many reads wait already.</exception>
    public Task ReadAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken) =>
        RunAsync(StorageLane.Reads, read, cancellationToken);

    /// <summary>Runs one write of background work, within the bounds.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement; it says whether the outcome is known.</exception>
    public Task WriteAsync(Func<CancellationToken, Task> write, CancellationToken cancellationToken) =>
        RunAsync(StorageLane.Background, write, cancellationToken);

    /// <summary>Runs one operation within the bounds of its lane.</summary>
    /// <exception cref="StorageUnavailableException">
    /// Storage does not answer, or refuses the statement, or too many wait already; it says whether the outcome of a write is known.
    /// </exception>
    public async Task RunAsync(StorageLane lane, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var slot = await EnterAsync(lane, cancellationToken);
        await RunAsync(slot, lane, work, cancellationToken);
    }

    /// <summary>Waits for a slot of a lane, for a caller that needs the slot before it takes something else.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer at the moment, or too many wait already. Nothing was started.</exception>
    public async Task<StorageSlot> EnterAsync(StorageLane lane, CancellationToken cancellationToken)
    {
        if (IsFailing)
        {
            throw NotAnswering();
        }

        var slot = await _lanes[lane].EnterAsync(cancellationToken);
        if (slot is null)
        {
            LogUnansweredIfDue(lane, "too many wait for it");
            throw new StorageUnavailableException("Too many wait for storage.");
        }

        if (IsFailing)
        {
            // The outage began during the wait: fail now, instead of waiting for another deadline.
            slot.Dispose();
            throw NotAnswering();
        }

        return slot;
    }

    /// <summary>Runs one operation in a slot.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or refuses the statement; it says whether the outcome of a write is known.</exception>
    public async Task RunAsync(StorageSlot slot, StorageLane lane, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var span = Traces.StartActivity("storage");
        var running = slot.Hold(StartAsync(work, lane, slot.Deadline, cancellationToken));
        try
        {
            // A driver that ignores its token must not hold the caller past the deadline.
            await running.WaitAsync(slot.Deadline + GraceForDriver, _clock, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested && !running.IsCompletedSuccessfully)
        {
            // Drivers throw various exceptions when they are cancelled.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            LogUnansweredIfDue(lane, "it did not answer in time");
            throw new StorageUnavailableException("Storage did not answer in time.", e) { OutcomeUnknown = StorageFaults.IsOutcomeUnknown(e) };
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            LogUnansweredIfDue(lane, ReasonOf(e));
            if (StorageFaults.IsErrorOfCode(e) && IsDue(ref _errorLoggedAt))
            {
                LogErrorOfCode(e);
            }

            throw new StorageUnavailableException("Storage does not answer.", e) { OutcomeUnknown = StorageFaults.IsOutcomeUnknown(e) };
        }
        catch (Exception e) when (StorageFaults.IsFault(e))
        {
            if (IsDue(ref _refusalLoggedAt))
            {
                LogRefused(e);
            }

            throw new StorageUnavailableException("Storage refused a statement.", e);
        }
    }

    /// <summary>Starts the work on another thread than the grain's, since some drivers block the thread that calls them.</summary>
    private Task StartAsync(Func<CancellationToken, Task> work, StorageLane lane, TimeSpan deadline, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            async () =>
            {
                using var timeout = new CancellationTokenSource(deadline, _clock);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
                await work(either.Token);
            },
            CancellationToken.None,
            // Work that may block its thread for seconds gets a thread of its own, since the thread pool starts with one thread for each processor.
            // So does the probe: a pool whose threads all wait for the disk is not an outage.
            _holdsItsCaller && lane is StorageLane.Lists or StorageLane.Reports or StorageLane.Probe ? TaskCreationOptions.LongRunning : TaskCreationOptions.None,
            TaskScheduler.Default).Unwrap();

    private static StorageUnavailableException NotAnswering() => new("Storage does not answer at the moment.");

    private void Fail(string reason)
    {
        Volatile.Write(ref _failing, 1);
        if (IsDue(ref _outageLoggedAt))
        {
            Volatile.Write(ref _outageLogged, 1);
            LogUnavailable(reason);
        }
    }

    private void LogUnansweredIfDue(StorageLane lane, string reason)
    {
        // Failures of the probe are logged as an outage.
        if (lane != StorageLane.Probe && IsDue(ref _unansweredLoggedAt))
        {
            LogUnanswered(lane, reason);
        }
    }

    /// <summary>The message of the driver, where there is one.</summary>
    private static string ReasonOf(Exception e) =>
        e is StorageUnavailableException { InnerException: { } inner and not OperationCanceledException } ? ReasonOf(inner) : e.Message;

    /// <summary>Whether another line may be logged. Of several threads that ask at once, one gets true.</summary>
    private bool IsDue(ref long loggedAt)
    {
        var last = Volatile.Read(ref loggedAt);
        return _clock.GetElapsedTime(last) >= LogInterval && Interlocked.CompareExchange(ref loggedAt, _clock.GetTimestamp(), last) == last;
    }

    [LoggerMessage(1500, LogLevel.Warning, "Storage is not available: {Reason}")]
    private partial void LogUnavailable(string reason);

    [LoggerMessage(1506, LogLevel.Warning, "An operation ({Lane}) got no answer from storage: {Reason}")]
    private partial void LogUnanswered(StorageLane lane, string reason);

    [LoggerMessage(1504, LogLevel.Information, "Storage is available again.")]
    private partial void LogAvailable();

    [LoggerMessage(1507, LogLevel.Error, "The code that reaches the database failed; what needed it gets 503.")]
    private partial void LogErrorOfCode(Exception exception);

    [LoggerMessage(1505, LogLevel.Error, "The database refused a statement, or holds what this build does not know; what needed it gets 503.")]
    private partial void LogRefused(Exception exception);
}
