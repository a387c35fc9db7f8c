using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.ClientTests.Servers;

/// <summary>A clock that stands still, and tells when somebody has begun to wait on it: a test then knows that it may advance.</summary>
internal sealed class TestClock() : FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
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
    public async Task<TimeSpan> WaitBegunAsync(TimeSpan least, TimeSpan most)
    {
        await foreach (var length in _timers.Reader.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            if (length >= least && length <= most)
                return length;
        }

        throw new InvalidOperationException("The clock has been disposed of.");
    }
}
