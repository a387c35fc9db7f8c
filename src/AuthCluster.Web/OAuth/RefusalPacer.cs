using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Delays failed client authentications until the next tick of a common clock, so that the time of a 401 tells
/// nothing about its reason.
/// </summary>
/// <remarks>
/// An unknown id costs a look-up, a wrong secret of a client in memory does not, and a fixed delay after each would keep the difference.
/// The ticks come at the same moments for all requests, so the time of an answer depends only on when its request arrived, and the order
/// within a tick is random. A waiting request holds no thread.
/// </remarks>
public sealed class RefusalPacer(TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    // The usual work may take longer than the time until the first tick, so a refusal waits for the second.
    private const int TicksToWait = 2;

    // Times are counted from the start of the process: elapsed times go through a double, which is exact for days, not for decades.
    private readonly long _origin = clock.GetTimestamp();

    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<TaskCompletionSource>> _waiters = [];
    private readonly Dictionary<long, ITimer> _timers = [];

    /// <summary>Waits for the tick of a request that arrived at <paramref name="arrived"/> (a timestamp of the clock).</summary>
    public Task WaitAsync(long arrived)
    {
        var origin = clock.GetElapsedTime(_origin, arrived).Ticks;
        var now = clock.GetElapsedTime(_origin);
        // A request that took longer than the usual wait is held until the next tick from now on.
        var tick = Math.Max(origin / Interval.Ticks + TicksToWait, now.Ticks / Interval.Ticks + 1);
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (!_waiters.TryGetValue(tick, out var waiters))
            {
                waiters = _waiters[tick] = [];
                var due = new TimeSpan(tick * Interval.Ticks) - now;
                _timers[tick] = clock.CreateTimer(_ => Release(tick), null, due, Timeout.InfiniteTimeSpan);
            }

            waiters.Add(waiter);
        }

        return waiter.Task;
    }

    /// <summary>Releases all who wait.</summary>
    public void Dispose()
    {
        long[] ticks;
        lock (_lock)
        {
            ticks = [.. _waiters.Keys];
        }

        foreach (var tick in ticks)
        {
            Release(tick);
        }
    }

    private void Release(long tick)
    {
        List<TaskCompletionSource>? waiters;
        lock (_lock)
        {
            if (!_waiters.Remove(tick, out waiters))
            {
                return;
            }

            _timers.Remove(tick, out var timer);
            timer?.Dispose();
        }

        // Shuffle, so that callers can't see in which order their refusals were decided.
        RandomNumberGenerator.Shuffle(CollectionsMarshal.AsSpan(waiters));
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult();
        }
    }
}
