using System.Collections.Immutable;
using System.Text.Json.Serialization;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// How much of a quota is reserved in a period. Reserved ahead of use, so that a crash can lose permits but never give too many.
/// </summary>
/// <param name="Per">The kind of period.</param>
/// <param name="PeriodStart">When the period begins.</param>
/// <param name="Reserved">Permits that are reserved in it, spent or not.</param>
internal sealed record QuotaReservation(string Per, DateTimeOffset PeriodStart, long Reserved) : StoredPart
{
    // A clock that is wrong shows one period after the other, or jumps a few times, until it is set.
    private const int MaxOthers = 8;

    /// <summary>Permits that are reserved in the period that follows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Next { get; init; }

    /// <summary>Other periods that were in use, the last one at the end: if a clock was wrong then, or is now, one of them is in use again.</summary>
    public ImmutableArray<OtherPeriod>? Others { get; init; }

    /// <summary>As builds before <see cref="Others"/> remember the period before this one.</summary>
    public EarlierReservation? Before { get; init; }

    /// <summary>As builds before <see cref="Others"/> remember the period that a clock left for an earlier one, or for a later one again.</summary>
    public DateTimeOffset? AlsoCountedIn { get; init; }

    /// <summary>The reservation in the period that holds a moment. Moving twice is moving once.</summary>
    /// <remarks>
    /// In a period counts what was reserved since it was first in use, whatever the clock showed then: so a clock that shows other periods
    /// in between, however often, gives nothing twice when it shows this one again. A period that was never in use begins with nothing, but for one that
    /// is earlier than the present one: there the clock was ahead, and what was reserved in later periods counts.
    /// </remarks>
    public QuotaReservation MovedTo(QuotaPeriod period, DateTimeOffset moment)
    {
        var start = period.Start(moment);
        if (start == PeriodStart)
        {
            return this;
        }

        var others = Known;
        var isFresh = IsFresh(start);
        var more = isFresh ? -Reserved
            : others.FirstOrDefault(other => other.PeriodStart == start) is { } known ? known.More
            : others.Where(other => other.PeriodStart > start).Select(other => other.More).Append(0).Max();
        return this with
        {
            PeriodStart = start,
            Reserved = isFresh && start == period.End(PeriodStart) ? Next : Math.Max(0, Reserved + more),
            Next = 0,
            Others =
            [
                .. others.Append(new OtherPeriod(PeriodStart, 0))
                    .Where(other => other.PeriodStart != start)
                    .Select(other => other with { More = other.More - more })
                    .TakeLast(MaxOthers),
            ],
            Before = null,
            AlsoCountedIn = null,
        };
    }

    /// <summary>Whether a later period than this one was in use: then the clock was ahead, or it is behind now.</summary>
    [JsonIgnore]
    public bool KnowsLaterPeriods => Known.Any(other => other.PeriodStart > PeriodStart);

    /// <summary>
    /// The reservation by a clock that is right: later periods were in use by one that was ahead. What was reserved in them counts in the
    /// present one already, and what is reserved from now on must not count in them, so that they begin with nothing when they come.
    /// </summary>
    public QuotaReservation WithoutLaterPeriods() =>
        this with { Others = [.. Known.Where(other => other.PeriodStart < PeriodStart)], Before = null, AlsoCountedIn = null };

    /// <summary>Whether a period would begin with nothing: a later one that was not in use before.</summary>
    public bool IsFresh(DateTimeOffset start) => start > PeriodStart && Known.All(other => other.PeriodStart != start);

    /// <summary>The other periods, also where a build wrote that did not know <see cref="Others"/>: it leaves them as they were, and no longer true.</summary>
    private IEnumerable<OtherPeriod> Known
    {
        get
        {
            if (Before is null && AlsoCountedIn is null)
            {
                return Others ?? [];
            }

            List<OtherPeriod> known = [];
            if (Before is { } before && before.PeriodStart < PeriodStart)
            {
                known.Add(new OtherPeriod(before.PeriodStart, before.Reserved));
            }

            if (AlsoCountedIn is { } also && also != Before?.PeriodStart)
            {
                known.Add(new OtherPeriod(also, also < PeriodStart ? ReservedBefore(since: also) : -ReservedBefore(since: PeriodStart)));
            }

            return known;
        }
    }

    private long ReservedBefore(DateTimeOffset since) => Before is { } before && before.PeriodStart >= since ? before.Reserved : 0;
}

/// <summary>A period of a quota that is not in use at present.</summary>
/// <param name="PeriodStart">When it begins.</param>
/// <param name="More">How many permits more count in it than in the present one; below zero for fewer.</param>
internal sealed record OtherPeriod(DateTimeOffset PeriodStart, long More) : StoredPart;

/// <summary>What was reserved in a period when another one came into use.</summary>
internal sealed record EarlierReservation(DateTimeOffset PeriodStart, long Reserved) : StoredPart;

/// <summary>The reservations of a client's row: one for each kind of period, so that a changed kind forgets nothing.</summary>
internal static class QuotaReservations
{
    /// <summary>The reservation of a kind of period; null when nothing was ever reserved in that kind.</summary>
    public static QuotaReservation? QuotaOf(this ClientState state, QuotaPeriod period)
    {
        var present = state.Quota?.Per == period.Name ? state.Quota : null;
        var other = state.OtherQuotas.FirstOrDefault(quota => quota.Per == period.Name);
        // Both are there when a build that knew one reservation only has written; it began from nothing.
        return present is not null && other is not null && present.PeriodStart == other.PeriodStart
            ? present with { Reserved = present.Reserved + other.Reserved }
            : present ?? other;
    }

    /// <summary>The row with a reservation as the present one; those of the other kinds stay.</summary>
    public static ClientState WithQuota(this ClientState state, QuotaReservation reservation) => state with
    {
        Quota = reservation,
        OtherQuotas = [.. ((QuotaPeriod[])[QuotaPeriod.Hour, QuotaPeriod.Day, QuotaPeriod.Month])
            .Where(period => period.Name != reservation.Per)
            .Select(period => state.QuotaOf(period))
            .OfType<QuotaReservation>()],
    };
}
