namespace AuthCluster.ServerTests.Session;

/// <summary>A clock on which a minute lasts a second: dates, durations and timers alike.</summary>
internal sealed class FastClock : TimeProvider
{
    private const int Speed = 60;

    private readonly DateTimeOffset _start = System.GetUtcNow();
    private readonly long _startedAt = System.GetTimestamp();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => (System.GetTimestamp() - _startedAt) * Speed;

    public override DateTimeOffset GetUtcNow() => _start + (System.GetElapsedTime(_startedAt) * Speed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, Shorter(dueTime), Shorter(period));

    private static TimeSpan Shorter(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? time : time / Speed;
}
