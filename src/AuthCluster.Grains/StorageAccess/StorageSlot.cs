namespace AuthCluster.Grains.StorageAccess;

/// <summary>The slots of one lane, given out in the order of the requests.</summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to free, and running work may outlive the services of the process.
internal sealed class LaneSlots(LaneBounds bounds, TimeProvider clock)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _free = new(bounds.MaxConcurrent);
    private int _waiting;

    /// <summary>Waits for a slot.</summary>
    /// <returns>Null when too many wait already, or when no slot came free in time for the operation.</returns>
    public async Task<StorageSlot?> EnterAsync(CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        if (!TryTake() && !await WaitAsync(cancellationToken))
        {
            return null;
        }

        var left = bounds.MaxTotal - clock.GetElapsedTime(since);
        if (left <= TimeSpan.Zero)
        {
            // The process was frozen during the wait.
            Release();
            return null;
        }

        return new StorageSlot(this, left < bounds.Deadline ? left : bounds.Deadline);
    }

    internal void Release() => _free.Release();

    private bool TryTake() => _free.Wait(TimeSpan.Zero);

    private async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > bounds.MaxWaiting)
            {
                return false;
            }

            using var patience = new CancellationTokenSource(bounds.MaxWait, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            await _free.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}

/// <summary>
/// The right to run operations on storage, one after the other. The slot is free again when it is disposed and its last operation has
/// ended: an operation that its caller has given up may hold its connection for some seconds more.
/// </summary>
internal sealed class StorageSlot(LaneSlots lane, TimeSpan deadline) : IDisposable
{
    private Task _last = Task.CompletedTask;

    /// <summary>How long one operation may take.</summary>
    public TimeSpan Deadline => deadline;

    /// <summary>Holds the slot until an operation has ended.</summary>
    public Task Hold(Task operation) => _last = operation;

    public void Dispose()
    {
        if (_last.IsCompleted)
        {
            lane.Release();
        }
        else
        {
            _ = _last.ContinueWith(
                static (_, lane) => ((LaneSlots)lane!).Release(),
                lane,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }
}
