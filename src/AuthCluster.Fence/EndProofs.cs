using System.Collections.Immutable;

namespace AuthCluster.Fence;

/// <summary>
/// Proofs that dead silos have ended: one that took the endpoint of a dead silo proves that it has gone, and so does a host that refuses
/// connections to the dead silo's port.
/// </summary>
/// <param name="self">The silo that proves.</param>
/// <param name="endpoint">Its endpoint.</param>
/// <param name="startedAt">When it started.</param>
/// <param name="times">The durations.</param>
public sealed class EndProofs(string self, string endpoint, TimeSpan startedAt, FenceTimes times)
{
    private readonly Dictionary<string, TimeSpan> _refusedAt = new(StringComparer.Ordinal);

    /// <summary>Notes that the host of a dead silo refused a connection to the silo's port: no process listens there.</summary>
    public void Refused(string silo, TimeSpan now) => _refusedAt.TryAdd(silo, now);

    /// <summary>The dead silos whose ports are worth a try.</summary>
    public ImmutableArray<SiloEntry> ToProbe(Membership view, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(view);
        return [.. Dead(view).Where(silo => silo.Endpoint != endpoint && !_refusedAt.ContainsKey(silo.Silo)
            && view.DecidesFor(silo, times, now) > TimeSpan.Zero)];
    }

    /// <summary>
    /// The dead silos that are proven to have ended, so long ago that no lease of theirs lasts.
    /// </summary>
    public ImmutableArray<SiloEntry> Proven(Membership view, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(view);
        foreach (var gone in _refusedAt.Keys.Where(silo => view.Find(silo) is null).ToList())
        {
            _refusedAt.Remove(gone);
        }

        return [.. Dead(view).Where(silo => ProvenAt(silo) is { } at && now - at >= times.EndProofDelay)];
    }

    private IEnumerable<SiloEntry> Dead(Membership view) => view.Silos.Where(silo => silo.Standing == SiloStanding.Dead && silo.Silo != self);

    private TimeSpan? ProvenAt(SiloEntry silo) =>
        silo.Endpoint == endpoint ? startedAt : _refusedAt.TryGetValue(silo.Silo, out var at) ? at : null;
}
