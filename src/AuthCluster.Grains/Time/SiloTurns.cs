namespace AuthCluster.Grains.Time;

/// <summary>
/// Shares out work that one silo does for all. The silos take turns by the clock, so that a silo that can't reach the database misses only its
/// own turns.
/// </summary>
/// <remarks>
/// When silos see different members, or their clocks differ, two may have the same turn, or none. So such work must be safe when two
/// silos do it at once, and a later turn must find what is left to do.
/// </remarks>
internal sealed class SiloTurns(IClusterMembershipService membership, ILocalSiloDetails silo, TimeProvider clock)
{
    /// <summary>The number of the present period if it is this silo's turn; else null.</summary>
    public long? OwnTurn(TimeSpan period)
    {
        var number = clock.GetUtcNow().UtcTicks / period.Ticks;
        var active = membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress);
        return IsTurnOf(silo.SiloAddress, active, number) ? number : null;
    }

    /// <summary>Whether a silo has the turn in the period of a number.</summary>
    internal static bool IsTurnOf(SiloAddress silo, IEnumerable<SiloAddress> active, long period)
    {
        var inOrder = active.Order().ToList();
        var place = inOrder.IndexOf(silo);
        return place >= 0 && period % inOrder.Count == place;
    }
}
