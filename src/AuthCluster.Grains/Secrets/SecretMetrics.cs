using System.Diagnostics.Metrics;

namespace AuthCluster.Grains.Secrets;

/// <summary>The gauge of the seconds until the next secret expires.</summary>
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

    /// <summary>Sets the next expiry; null when no secret expires.</summary>
    public void SetNextExpiry(DateTimeOffset? end) => Volatile.Write(ref _nextExpiryTicks, end?.UtcTicks ?? 0);

    private IEnumerable<Measurement<double>> Observe()
    {
        var ticks = Volatile.Read(ref _nextExpiryTicks);
        return ticks == 0 ? [] : [new Measurement<double>((new DateTimeOffset(ticks, TimeSpan.Zero) - _clock.GetUtcNow()).TotalSeconds)];
    }
}
