namespace AuthCluster.ServerTests.Session;

/// <summary>The system's clock, whose date a test may set ahead. Timers and durations go on as they are.</summary>
internal sealed class AdvancingDate : TimeProvider
{
    private long _ticksAhead;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref _ticksAhead));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticksAhead, by.Ticks);
}
