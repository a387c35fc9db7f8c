using System.Text.Json.Serialization;
using AuthCluster.Grains.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>
/// How much of a quota is reserved in a period. Reserved ahead of use, so that a crash can lose permits but never give too many.
/// </summary>
/// <param name="Per">The kind of period.</param>
/// <param name="PeriodStart">When the period begins.</param>
/// <param name="Reserved">Permits that are reserved in it, spent or not.</param>
internal sealed record QuotaReservation(string Per, DateTimeOffset PeriodStart, long Reserved) : StoredPart
{
    /// <summary>Permits that are reserved in the period that follows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Next { get; init; }

    /// <summary>The period that was in use before this one: if a clock was ahead when this one began, it is in use again.</summary>
    public EarlierReservation? Before { get; init; }

    /// <summary>
    /// Start of the period under which the same permits were counted before a clock was set back or forward over a period's start.
    /// When the clock shows that period again, the count moves with it: whichever clock was wrong, nothing is given twice.
    /// </summary>
    public DateTimeOffset? AlsoCountedIn { get; init; }

    /// <summary>The reservation in the period that holds a moment. Moving twice is moving once.</summary>
    public QuotaReservation MovedTo(QuotaPeriod period, DateTimeOffset moment)
    {
        var start = period.Start(moment);
        if (start == PeriodStart)
        {
            return this;
        }

        if (start < PeriodStart)
        {
            // The clock that began this period was ahead, or ours is behind. What was reserved since counts here too.
            return this with
            {
                PeriodStart = start,
                Reserved = Reserved + ReservedBefore(since: start),
                Next = 0,
                AlsoCountedIn = PeriodStart,
            };
        }

        if (start == AlsoCountedIn)
        {
            return this with
            {
                PeriodStart = start,
                Reserved = Reserved - ReservedBefore(since: PeriodStart),
                Next = 0,
                AlsoCountedIn = PeriodStart,
            };
        }

        return this with
        {
            PeriodStart = start,
            Reserved = start == period.End(PeriodStart) ? Next : 0,
            Next = 0,
            Before = new EarlierReservation(PeriodStart, Reserved),
            AlsoCountedIn = null,
        };
    }

    private long ReservedBefore(DateTimeOffset since) => Before is { } before && before.PeriodStart >= since ? before.Reserved : 0;
}

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
