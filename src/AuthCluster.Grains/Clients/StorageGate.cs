using System.Diagnostics;
using AuthCluster.Storage;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Bounds what the grains of one silo ask of storage: a number of reads at a time, a wait and a deadline for
/// each, and, once storage has failed, an answer at once for everybody until a probe finds it well again.
/// </summary>
/// <remarks>
/// A flood of unknown ids therefore costs a bounded number of look-ups, and an outage costs a cold client one
/// quick answer instead of a time-out. The silo's own reading of the keys is the probe; where nothing probes,
/// one caller at a time does.
/// </remarks>
internal sealed class StorageGate(TimeProvider clock) : IDisposable
{
    private const int ReadsAtOnce = 32;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadDeadline = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(250);

    // Without a listener there is no activity, and nothing to pay.
    private static readonly ActivitySource Traces = new("AuthCluster.Storage");

    private readonly SemaphoreSlim _reads = new(ReadsAtOnce);
    private long _failedAt;
    private int _failing;
    private int _probing;

    /// <summary>Whether the last answer of storage was a failure.</summary>
    public bool IsFailing => Volatile.Read(ref _failing) != 0;

    /// <summary>Whether somebody probes: then no caller has to, and none waits for a database that hangs.</summary>
    public bool IsProbed { get; set; }

    /// <summary>Runs the probe: a read that is tried also while storage fails, and whose success ends that.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task ProbeAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken) =>
        RunAsync(read, ReadDeadline, cancellationToken);

    /// <summary>Runs one read within the bounds.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer, or too many reads wait already.</exception>
    public async Task ReadAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken)
    {
        var probe = EnterProbe();
        try
        {
            if (!await _reads.WaitAsync(LongestWait, cancellationToken))
            {
                throw new StorageUnavailableException("Too many reads wait for storage.");
            }

            try
            {
                await RunAsync(read, ReadDeadline, cancellationToken);
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
    /// <exception cref="StorageUnavailableException">Storage does not answer; it says whether the outcome is known.</exception>
    public async Task WriteAsync(Func<CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var probe = EnterProbe();
        try
        {
            await RunAsync(write, WriteDeadline, cancellationToken);
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

    private async Task RunAsync(Func<CancellationToken, Task> work, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var span = Traces.StartActivity("storage");
        using var timeout = new CancellationTokenSource(deadline, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // A driver that ignores cancellation must not hold the caller past the deadline either.
            await work(linked.Token).WaitAsync(linked.Token);
            Volatile.Write(ref _failing, 0);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            Fail();
            throw new StorageUnavailableException("Storage did not answer in time.") { OutcomeUnknown = true };
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            Fail();
            throw new StorageUnavailableException("Storage does not answer.", e) { OutcomeUnknown = StorageFaults.IsOutcomeUnknown(e) };
        }
    }

    private void Fail()
    {
        Volatile.Write(ref _failedAt, clock.GetTimestamp());
        Volatile.Write(ref _failing, 1);
    }
}
