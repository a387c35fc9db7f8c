using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Holds failed client authentications until the next beat of a common clock, so that the time of a 401 says
/// nothing about why it was refused.
/// </summary>
/// <remarks>
/// An unknown id costs a look-up, a wrong secret of a client in memory does not. Waiting a fixed time after each would keep the
/// difference. The beats come at the same moments for all requests, so the time of an answer depends only on when its request arrived,
/// and within a beat the order is random. A request takes no thread while it waits.
/// </remarks>
public sealed class RefusalPacer(TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(10);

    // The usual work may take longer than the time until the first beat, so a refusal waits for the second.
    private const int BeatsToWait = 2;

    // Times are counted from the start of the process: elapsed times go through a double, which is exact for days, not for decades.
    private readonly long _origin = clock.GetTimestamp();

    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<TaskCompletionSource>> _beats = [];
    private readonly Dictionary<long, ITimer> _timers = [];

    /// <summary>Waits for the beat of a request that arrived at <paramref name="arrived"/> (a timestamp of the clock).</summary>
    public Task WaitAsync(long arrived)
    {
        var origin = clock.GetElapsedTime(_origin, arrived).Ticks;
        var now = clock.GetElapsedTime(_origin);
        // A request that took longer than the usual wait is held until the next beat from now on.
        var beat = Math.Max(origin / Beat.Ticks + BeatsToWait, now.Ticks / Beat.Ticks + 1);
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (!_beats.TryGetValue(beat, out var waiters))
            {
                waiters = _beats[beat] = [];
                var due = new TimeSpan(beat * Beat.Ticks) - now;
                _timers[beat] = clock.CreateTimer(_ => Release(beat), null, due, Timeout.InfiniteTimeSpan);
            }

            waiters.Add(waiter);
        }

        return waiter.Task;
    }

    /// <summary>Lets everybody go.</summary>
    public void Dispose()
    {
        long[] beats;
        lock (_lock)
        {
            beats = [.. _beats.Keys];
        }

        foreach (var beat in beats)
        {
            Release(beat);
        }
    }

    private void Release(long beat)
    {
        List<TaskCompletionSource>? waiters;
        lock (_lock)
        {
            if (!_beats.Remove(beat, out waiters))
            {
                return;
            }

            _timers.Remove(beat, out var timer);
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
