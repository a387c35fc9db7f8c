using System.Diagnostics.Metrics;

namespace AuthCluster.Grains.Secrets;

/// <summary>When the next secret runs out.</summary>
internal sealed class SecretMetrics
{
    private readonly TimeProvider _clock;
    private long _nextExpiryTicks;

    public SecretMetrics(IMeterFactory factory, TimeProvider clock)
    {
        _clock = clock;
        factory.Create("AuthCluster.Clients").CreateObservableGauge(
            "authcluster.secret.expires_in", Observe, "s", "Until the next secret of an enabled client runs out");
    }

    /// <summary>The next end is known; null when no secret runs out.</summary>
    public void SetNextExpiry(DateTimeOffset? end) => Volatile.Write(ref _nextExpiryTicks, end?.UtcTicks ?? 0);

    private IEnumerable<Measurement<double>> Observe()
    {
        var ticks = Volatile.Read(ref _nextExpiryTicks);
        return ticks == 0 ? [] : [new Measurement<double>((new DateTimeOffset(ticks, TimeSpan.Zero) - _clock.GetUtcNow()).TotalSeconds)];
    }
}
