using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Cluster;

/// <summary>A clock that stands until a test moves it, and that can be set as an operator or a time server sets one.</summary>
public sealed class ClusterClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    private long _set;

    /// <summary>Sets the time of day. Timers and the monotonic time don't notice.</summary>
    public void Set(DateTimeOffset time)
    {
        Interlocked.Add(ref _set, time.UtcTicks - GetUtcNow().UtcTicks);
        AdjustTime(time);
    }

    public override long GetTimestamp() => base.GetTimestamp() - Interlocked.Read(ref _set);
}
