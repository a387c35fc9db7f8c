using System.Collections.Immutable;

namespace AuthCluster.Fence;

/// <summary>What a write is for.</summary>
public enum WriteKind
{
    /// <summary>A change that an administrator waits for.</summary>
    Change,

    /// <summary>The claim of one activation to spend from a rate limit.</summary>
    Claim,
}

/// <summary>Where a stored write holds.</summary>
public enum FenceOutcome
{
    /// <summary>On every silo and on every borrower of a lease.</summary>
    Everywhere,

    /// <summary>On every silo that could be asked; the others are named.</summary>
    NotEverywhere,

    /// <summary>It is not known: the membership could not be read in time.</summary>
    Unknown,
}

/// <summary>A silo that may still decide by an older state.</summary>
/// <param name="Silo">The silo.</param>
/// <param name="For">For how long at most; null while it is alive and has not acknowledged.</param>
public sealed record UnconfirmedSilo(string Silo, TimeSpan? For);

/// <summary>The answer to a write.</summary>
/// <param name="Outcome">Where it holds.</param>
/// <param name="Unconfirmed">The silos on which it may not hold.</param>
public sealed record FenceAnswer(FenceOutcome Outcome, ImmutableArray<UnconfirmedSilo> Unconfirmed);

/// <summary>What to do next for a write.</summary>
/// <param name="Void">The silos to ask to void older versions; each acknowledges, or is asked again.</param>
/// <param name="LookAfter">When to look at the write again; null once it is answered.</param>
/// <param name="Answer">The answer; null while there is none.</param>
public readonly record struct WriteStep(ImmutableArray<string> Void, TimeSpan? LookAfter, FenceAnswer? Answer);

/// <summary>
/// One write that is stored, on its way to holding everywhere: which silos must void older versions, for which leases and proofs it
/// waits, and what is answered when. It begins with a reading of the membership that began after the write had returned.
/// </summary>
/// <param name="self">The writing silo.</param>
/// <param name="kind">What the write is for.</param>
/// <param name="deadline">When to answer at the latest, but for leases that run out.</param>
/// <param name="times">The durations.</param>
public sealed class FencedWrite(string self, WriteKind kind, TimeSpan deadline, FenceTimes times)
{
    // How much longer a claim waits for the deaths of others: nobody but its own client waits for it.
    private static readonly TimeSpan ClaimPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromMilliseconds(50);
    private static readonly FenceAnswer Unknown = new(FenceOutcome.Unknown, []);

    private readonly HashSet<string> _mustAcknowledge = new(StringComparer.Ordinal);
    private readonly HashSet<string> _acknowledged = new(StringComparer.Ordinal);
    private Membership? _first;
    private TimeSpan _leasesEnd = FenceTimes.Never;

    /// <summary>The silos that have to acknowledge and have not, as far as they were alive when the write was stored.</summary>
    public ImmutableArray<string> Unacknowledged => [.. _mustAcknowledge.Where(silo => !_acknowledged.Contains(silo))];

    /// <summary>Takes a failure of the first reading.</summary>
    public WriteStep ReadFailed(TimeSpan now) => now >= deadline ? new WriteStep([], null, Unknown) : new WriteStep([], ReadAgainAfter, null);

    /// <summary>Takes the first reading.</summary>
    /// <param name="fresh">A reading that began after the write had returned.</param>
    /// <param name="now">The time.</param>
    public WriteStep ReadReturned(Membership fresh, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(fresh);
        _mustAcknowledge.UnionWith(fresh.Active);
        _mustAcknowledge.Add(self);
        _first = fresh;
        return Look(fresh, now);
    }

    /// <summary>Takes an acknowledgement.</summary>
    /// <param name="silo">The silo that has voided older versions.</param>
    /// <param name="lease">How long leases that it granted may last yet.</param>
    /// <param name="now">The time.</param>
    public void Acknowledged(string silo, TimeSpan lease, TimeSpan now)
    {
        _acknowledged.Add(silo);
        var end = now + times.Stretched(lease);
        if (lease > TimeSpan.Zero && end > _leasesEnd)
        {
            _leasesEnd = end;
        }
    }

    /// <summary>Whether all that the write waits for was acknowledged, so that a look is due at once.</summary>
    public bool IsAcknowledged => _mustAcknowledge.IsSubsetOf(_acknowledged);

    /// <summary>Decides what to do next.</summary>
    /// <param name="latest">The newest reading of the membership.</param>
    /// <param name="now">The time.</param>
    public WriteStep Look(Membership latest, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(latest);
        var missing = _mustAcknowledge
            .Where(silo => !_acknowledged.Contains(silo) && (silo == self || Works(silo, latest)))
            .ToImmutableArray();
        var isLate = now >= deadline;
        if (missing.Length > 0 && (!isLate || !_acknowledged.Contains(self)))
        {
            return new WriteStep(missing, times.AskAgainAfter, null);
        }

        return kind == WriteKind.Claim ? LookAtClaim(latest, missing, now) : LookAtChange(latest, isLate, now);
    }

    private WriteStep LookAtClaim(Membership latest, ImmutableArray<string> missing, TimeSpan now)
    {
        if (missing.Length > 0 || now >= deadline + ClaimPatience)
        {
            return new WriteStep([], null, Unknown);
        }

        var wait = _leasesEnd - now;
        foreach (var silo in latest.Silos.Where(silo => silo.Silo != self && !_acknowledged.Contains(silo.Silo)))
        {
            if (DeadFor(silo, latest, now) is { } dead && times.SpendsAfterDeath - dead > wait)
            {
                wait = times.SpendsAfterDeath - dead;
            }
        }

        return wait > TimeSpan.Zero ? WaitFor(wait) : new WriteStep([], null, new FenceAnswer(FenceOutcome.Everywhere, []));
    }

    private WriteStep LookAtChange(Membership latest, bool isLate, TimeSpan now)
    {
        if (_leasesEnd > now)
        {
            return WaitFor(_leasesEnd - now);
        }

        var unconfirmed = UnconfirmedAt(latest, now);
        var mayProveSoon = unconfirmed.Any(silo => silo.For > times.DecidesAfterDeath(latest.LongestGrace) - times.DeathPatience);
        if (mayProveSoon && !isLate)
        {
            return new WriteStep([], times.AskAgainAfter / 2, null);
        }

        return new WriteStep([], null, new FenceAnswer(unconfirmed.IsEmpty ? FenceOutcome.Everywhere : FenceOutcome.NotEverywhere, unconfirmed));
    }

    /// <summary>
    /// The silos that may still decide by an older state: those that had to acknowledge and did not, unless they have ended; and those
    /// that were dead already. A silo that joined later loads after the write.
    /// </summary>
    private ImmutableArray<UnconfirmedSilo> UnconfirmedAt(Membership latest, TimeSpan now)
    {
        var unconfirmed = ImmutableArray.CreateBuilder<UnconfirmedSilo>();
        unconfirmed.AddRange(Unacknowledged.Where(silo => silo != self && Works(silo, latest)).Select(silo => new UnconfirmedSilo(silo, null)));
        foreach (var silo in latest.Silos.Where(silo => silo.Silo != self && !_acknowledged.Contains(silo.Silo)))
        {
            if (DeadFor(silo, latest, now) is { } dead
                && times.DecidesAfterDeath(latest.LongestGrace) - dead is var left && left > TimeSpan.Zero
                && (_mustAcknowledge.Contains(silo.Silo) || _first!.IsDead(silo.Silo)))
            {
                unconfirmed.Add(new UnconfirmedSilo(silo.Silo, left));
            }
        }

        return unconfirmed.DrainToImmutable();
    }

    /// <summary>
    /// Whether a silo that worked at the first reading still does. The database may have answered a reading that began before the first returned at an
    /// earlier moment, at which the silo had not joined.
    /// </summary>
    private bool Works(string silo, Membership latest) => latest.Find(silo) is { } entry
        ? entry.Standing != SiloStanding.Dead
        : latest.Began < _first?.Returned;

    /// <summary>How long a silo has been dead at the least; null when it lives.</summary>
    /// <remarks>
    /// The first reading counts beside the newest: the database may have answered a reading that began later at an earlier moment, at which the
    /// silo still lived.
    /// </remarks>
    private TimeSpan? DeadFor(SiloEntry silo, Membership latest, TimeSpan now) =>
        silo.Standing == SiloStanding.Dead ? latest.DeadFor(silo, now)
        : _first?.Find(silo.Silo) is { Standing: SiloStanding.Dead } dead ? _first.DeadFor(dead, now)
        : null;

    private WriteStep WaitFor(TimeSpan wait) => new([], wait < times.AskAgainAfter ? wait : times.AskAgainAfter, null);
}
