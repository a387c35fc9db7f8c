using System.Diagnostics;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.StorageAccess;

/// <summary>
/// Bounds what one silo asks of storage: so many operations of each kind at a time, a wait and a deadline for each, and, while storage
/// is away, an answer at once for everybody.
/// </summary>
/// <remarks>
/// <para>A flood of unknown ids therefore costs a bounded number of look-ups, and an outage costs a cold client one
/// quick answer instead of a time-out. Only the silo's own probe begins and ends an outage: a read that takes long, a lock, an exhausted
/// pool are trouble of those who meet them.</para>
/// <para>Whatever goes wrong leaves here as one exception: callers need not ask whether storage was
/// away or refused a statement, and the faults of those who wait are logged here, with a bound, so that an outage does not fill the log.</para>
/// </remarks>
internal sealed partial class StorageGate
{
    // A driver that heeds its token is given the time to tell what became of the write.
    private static readonly TimeSpan GraceForDriver = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    // Without a listener there is no activity, and nothing to pay.
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

    /// <summary>Whether the last probe failed: nobody but the probe asks storage.</summary>
    public bool IsFailing => Volatile.Read(ref _failing) != 0;

    /// <summary>Runs the probe, which begins an outage when it fails and ends it when it does not. It is tried also while storage fails.</summary>
    /// <returns>Whether storage answered, be it with a refusal.</returns>
    public async Task<bool> ProbeAsync(Func<CancellationToken, Task> probe, CancellationToken cancellationToken)
    {
        // None is free while earlier ones still wait for an answer.
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

        if (Interlocked.Exchange(ref _failing, 0) != 0 && Interlocked.Exchange(ref _outageLogged, 0) != 0)
        {
            LogAvailable();
        }

        return true;
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

    /// <summary>Runs one write that nobody waits for, within the bounds.</summary>
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

    /// <summary>Waits for a slot of a lane, for whoever must have it before something else.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer at the moment, or too many wait already. Nothing was begun.</exception>
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
            // It failed meanwhile: who waited is told now, and does not try for as long as who had the slot before.
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
            // A driver that ignores cancellation must not hold the caller past the deadline either.
            await running.WaitAsync(slot.Deadline + GraceForDriver, _clock, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested && !running.IsCompletedSuccessfully)
        {
            // Whatever the driver makes of it.
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

    /// <summary>Starts the work on a thread that is not the grain's, which a driver that works in its caller's thread would hold.</summary>
    private Task StartAsync(Func<CancellationToken, Task> work, StorageLane lane, TimeSpan deadline, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            async () =>
            {
                using var timeout = new CancellationTokenSource(deadline, _clock);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
                await work(either.Token);
            },
            CancellationToken.None,
            // What reads for seconds in its caller's thread gets one of its own: the pool begins with as few as the machine has processors.
            // So does the probe: threads of the pool that all wait for the disk are no outage.
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
        // The probe's failures are logged as the outage that they are.
        if (lane != StorageLane.Probe && IsDue(ref _unansweredLoggedAt))
        {
            LogUnanswered(lane, reason);
        }
    }

    /// <summary>What the driver said, where it said something.</summary>
    private static string ReasonOf(Exception e) =>
        e is StorageUnavailableException { InnerException: { } inner and not OperationCanceledException } ? ReasonOf(inner) : e.Message;

    /// <summary>Whether the time for another line has come; one of those who ask at once is told so.</summary>
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
