using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.ClientTests.Servers;

/// <summary>A clock that stands still, and reports when code begins to wait on it, so that a test knows when to advance it.</summary>
internal class TestClock() : FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
{
    private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

    private TimeSpan _shifted;

    /// <summary>Monotonic: shifts of the wall clock don't show here.</summary>
    public override long GetTimestamp() => base.GetTimestamp() - (long)(_shifted.TotalSeconds * TimestampFrequency);

    /// <summary>Sets the wall clock forward or back; waits and the monotonic clock don't notice.</summary>
    public void ShiftWall(TimeSpan by)
    {
        _shifted += by;
        AdjustTime(GetUtcNow() + by);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _timers.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>The length of the next wait that is between the two, begun since the last call.</summary>
    /// <param name="least">The shortest that is meant.</param>
    /// <param name="most">The longest that is meant.</param>
    /// <param name="but">A length between them that is not meant: some call's time-out.</param>
    public async Task<TimeSpan> WaitBegunAsync(TimeSpan least, TimeSpan most, TimeSpan? but = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        var others = new List<TimeSpan>();
        try
        {
            while (await _timers.Reader.ReadAsync(deadline.Token) is var length)
            {
                if (length >= least && length <= most && length != but)
                    return length;
                others.Add(length);
            }
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            // The exception below reports it.
        }

        throw new InvalidOperationException($"No wait from {least} to {most} has begun, but {string.Join(", ", others)}.");
    }
}

/// <summary>A clock whose longer timers end 5 ms too soon, as on a machine whose timers count ticks of several milliseconds.</summary>
internal sealed class HastyClock : TestClock
{
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(5);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > Early * 2 ? dueTime - Early : dueTime, period);
}
