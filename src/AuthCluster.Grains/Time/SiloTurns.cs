namespace AuthCluster.Grains.Time;

/// <summary>
/// Shares out the work that one silo does for all: the silos take turns by the clock, so that one that can't reach the database misses its
/// own turns alone.
/// </summary>
/// <remarks>
/// Silos that see different members, or whose clocks differ, may both have a turn, or none. So such work is safe to do twice at once, and
/// is found undone by a later turn.
/// </remarks>
internal sealed class SiloTurns(IClusterMembershipService membership, ILocalSiloDetails silo, TimeProvider clock)
{
    /// <summary>The number of the present period when it is this silo's turn; null when it is another's.</summary>
    public long? OwnTurn(TimeSpan period)
    {
        var number = clock.GetUtcNow().UtcTicks / period.Ticks;
        var active = membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress);
        return IsTurnOf(silo.SiloAddress, active, number) ? number : null;
    }

    /// <summary>Whether one of the active silos has the turn in a period, counted from any moment.</summary>
    internal static bool IsTurnOf(SiloAddress silo, IEnumerable<SiloAddress> active, long period)
    {
        var inOrder = active.Order().ToList();
        var place = inOrder.IndexOf(silo);
        return place >= 0 && period % inOrder.Count == place;
    }
}
