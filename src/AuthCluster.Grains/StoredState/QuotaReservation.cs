using System.Collections.Immutable;
using System.Text.Json.Serialization;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// How much of a quota is reserved in a period. Permits are reserved before they are spent, so that a crash can lose permits but never grant too many.
/// </summary>
/// <param name="Per">The kind of period.</param>
/// <param name="PeriodStart">When the period begins.</param>
/// <param name="Reserved">Permits that are reserved in it, spent or not.</param>
internal sealed record QuotaReservation(string Per, DateTimeOffset PeriodStart, long Reserved) : StoredPart
{
    // A wrong clock may pass through some periods, or jump a few times, until somebody sets it.
    private const int MaxOthers = 8;

    /// <summary>Permits that are reserved in the next period.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Next { get; init; }

    /// <summary>Other periods that were in use, the last one at the end. If the clock was wrong then, or is wrong now, one of them comes into use again.</summary>
    public ImmutableArray<OtherPeriod>? Others { get; init; }

    /// <summary>The period before this one, as builds that don't know <see cref="Others"/> store it.</summary>
    public EarlierReservation? Before { get; init; }

    /// <summary>The period that a clock left for an earlier one, or for a later one again, as builds that don't know <see cref="Others"/> store it.</summary>
    public DateTimeOffset? AlsoCountedIn { get; init; }

    /// <summary>The reservation in the period that contains a moment. To move it there again changes nothing.</summary>
    /// <remarks>
    /// All that was reserved since a period was first in use counts in that period, whatever the clock showed meanwhile. So a clock that shows other
    /// periods in between, however often, grants nothing twice when it comes back. A period that was never in use begins with nothing reserved. The
    /// exception is a period before the present one: the clock was ahead, so what was reserved in later periods counts.
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

    /// <summary>Whether a later period than the present one was in use: the clock was ahead then, or it is behind now.</summary>
    [JsonIgnore]
    public bool KnowsLaterPeriods => Known.Any(other => other.PeriodStart > PeriodStart);

    /// <summary>
    /// The reservation without later periods, for a clock that is known to be right: a clock that was ahead used them. What was reserved in them
    /// counts in the present period already. They are forgotten so that they begin with nothing reserved when they come.
    /// </summary>
    public QuotaReservation WithoutLaterPeriods() =>
        this with { Others = [.. Known.Where(other => other.PeriodStart < PeriodStart)], Before = null, AlsoCountedIn = null };

    /// <summary>Whether a period would begin with nothing reserved: a later one that was not in use before.</summary>
    public bool IsFresh(DateTimeOffset start) => start > PeriodStart && Known.All(other => other.PeriodStart != start);

    /// <summary>The other periods. Where <see cref="Before"/> or <see cref="AlsoCountedIn"/> is set, a build wrote last that keeps <see cref="Others"/> without updating it.</summary>
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
/// <param name="More">How many more permits count in it than in the present period; negative for fewer.</param>
internal sealed record OtherPeriod(DateTimeOffset PeriodStart, long More) : StoredPart;

/// <summary>What was reserved in a period before another one came into use.</summary>
internal sealed record EarlierReservation(DateTimeOffset PeriodStart, long Reserved) : StoredPart;

/// <summary>The reservations in a client's row: one for each kind of period, so that a quota that changes its kind and changes back grants nothing twice.</summary>
internal static class QuotaReservations
{
    /// <summary>The reservation of a kind of period; null when nothing was ever reserved in that kind.</summary>
    public static QuotaReservation? QuotaOf(this ClientState state, QuotaPeriod period)
    {
        var present = state.Quota?.Per == period.Name ? state.Quota : null;
        var other = state.OtherQuotas.FirstOrDefault(quota => quota.Per == period.Name);
        // Both exist when an older build, which knows one reservation only, has written: it started from nothing, so both count.
        return present is not null && other is not null && present.PeriodStart == other.PeriodStart
            ? present with { Reserved = present.Reserved + other.Reserved }
            : present ?? other;
    }

    /// <summary>The row with a reservation as the present one. Those of other kinds of period stay.</summary>
    public static ClientState WithQuota(this ClientState state, QuotaReservation reservation) => state with
    {
        Quota = reservation,
        OtherQuotas = [.. ((QuotaPeriod[])[QuotaPeriod.Hour, QuotaPeriod.Day, QuotaPeriod.Month])
            .Where(period => period.Name != reservation.Per)
            .Select(period => state.QuotaOf(period))
            .OfType<QuotaReservation>()],
    };
}
