using System.Collections.Immutable;

namespace AuthCluster.Fence;

/// <summary>Where a silo stands in the membership.</summary>
public enum SiloStanding
{
    /// <summary>It has not begun to work.</summary>
    Joining,

    /// <summary>It works, or is shutting down in order.</summary>
    Active,

    /// <summary>It was declared dead. Its process may still run.</summary>
    Dead,
}

/// <summary>One silo, as a reading of the membership found it.</summary>
/// <param name="Silo">Its address, port and generation.</param>
/// <param name="Endpoint">Its address and port: those of a silo that takes its place are the same.</param>
/// <param name="Standing">Where it stands.</param>
/// <param name="DeadFor">How long it had been dead when the database answered, by the database's clock; zero for the living.</param>
public sealed record SiloEntry(string Silo, string Endpoint, SiloStanding Standing, TimeSpan DeadFor);

/// <summary>
/// What one reading of the membership found: the silos that live, and the dead ones whose end is not proven. A silo that is not in it has
/// ended.
/// </summary>
public sealed class Membership
{
    private readonly Dictionary<string, SiloEntry> _silos;

    /// <summary>Takes a reading.</summary>
    /// <param name="began">When the reading began, on the clock of the reading silo.</param>
    /// <param name="returned">When it returned.</param>
    /// <param name="longestGrace">The longest outage grace that any of the silos goes by.</param>
    /// <param name="silos">The silos.</param>
    public Membership(TimeSpan began, TimeSpan returned, TimeSpan longestGrace, IEnumerable<SiloEntry> silos)
    {
        Began = began;
        Returned = returned;
        LongestGrace = longestGrace;
        _silos = silos.ToDictionary(silo => silo.Silo, StringComparer.Ordinal);
    }

    /// <summary>When the reading began, on the clock of the reading silo.</summary>
    public TimeSpan Began { get; }

    /// <summary>When it returned.</summary>
    public TimeSpan Returned { get; }

    /// <summary>The longest outage grace that any of the silos goes by.</summary>
    public TimeSpan LongestGrace { get; }

    /// <summary>The silos.</summary>
    public IReadOnlyCollection<SiloEntry> Silos => _silos.Values;

    /// <summary>One silo; null when it has ended, or has not joined yet.</summary>
    public SiloEntry? Find(string silo) => _silos.GetValueOrDefault(silo);

    /// <summary>Whether a silo works.</summary>
    public bool IsActive(string silo) => Find(silo) is { Standing: SiloStanding.Active };

    /// <summary>Whether a silo is dead and its end is not proven.</summary>
    public bool IsDead(string silo) => Find(silo) is { Standing: SiloStanding.Dead };

    /// <summary>The silos that work.</summary>
    public ImmutableArray<string> Active => [.. Silos.Where(silo => silo.Standing == SiloStanding.Active).Select(silo => silo.Silo)];

    /// <summary>How long a dead silo has been dead at the least.</summary>
    /// <remarks>The age by the database's clock, and the time on the own clock since the reading returned.</remarks>
    public TimeSpan DeadFor(SiloEntry silo, TimeSpan now) => silo.DeadFor + (now - Returned);

    /// <summary>For how long a dead silo may decide yet, or its leases may last; not more than zero when it may not.</summary>
    public TimeSpan DecidesFor(SiloEntry silo, FenceTimes times, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(times);
        return times.DecidesAfterDeath(LongestGrace) - DeadFor(silo, now);
    }
}
