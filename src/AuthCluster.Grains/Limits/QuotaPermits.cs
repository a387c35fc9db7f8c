using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>What the quota says to one token.</summary>
internal enum QuotaOutcome
{
    /// <summary>Spent from the quota.</summary>
    Spent,

    /// <summary>There is more, but it has to be reserved first.</summary>
    NothingHeld,

    /// <summary>The quota of this period is spent.</summary>
    Exceeded,
}

/// <summary>
/// The permits of one client's quota that its activation holds: reserved in the row, and not spent yet.
/// </summary>
/// <remarks>
/// <para>What is spent is always what the row has reserved less what is held here; permits of another activation count as spent. So
/// adopting a row changes what is reserved and allowed, never what is held, and adopting twice is adopting once.</para>
/// <para>Permits change by writes of the row alone. Those that a write reserves are held when it has returned; those that it gives back
/// are not spent any more from the moment at which the write is made up.</para>
/// <para>The period in use is that of the clock, which may go back by <see cref="MaxLead"/> without going back to an earlier period.</para>
/// </remarks>
/// <param name="spread">A number of the client's own, 0 to 1: when in the time before a period's end it reserves for the next one.</param>
internal sealed class QuotaPermits(double spread)
{
    /// <summary>
    /// How far ahead of this clock a period may begin and be used: the clocks of two silos differ by less. One that begins later was
    /// made by a wrong clock.
    /// </summary>
    internal static readonly TimeSpan MaxLead = TimeSpan.FromMinutes(5);

    // Late enough to be rare for nothing, early enough for the writes of all clients to be done one by one.
    private static readonly TimeSpan MinReserveAhead = TimeSpan.FromSeconds(30);

    private ClientQuota? _quota;
    private QuotaReservation? _reservation;
    private DateTimeOffset _moment;
    private DateTimeOffset _end;

    // Below zero where the quota only observes and its permits have not come yet.
    private long _held;
    private long _heldForNext;
    private bool _usedInPeriod;
    private PendingWrite _pending;

    /// <summary>Whether a deactivation has something to store.</summary>
    public bool HasUnsavedState => _held != 0 || _heldForNext != 0;

    /// <summary>The quota; null when there is none.</summary>
    public ClientQuota? Quota => _quota;

    /// <summary>What can still be spent in this period.</summary>
    public long Remaining => _quota is null ? 0 : Math.Max(0, _quota.Tokens - Spent);

    /// <summary>Whether the row knows of later periods, which a clock that was ahead has used.</summary>
    public bool KnowsLaterPeriods => _reservation is { KnowsLaterPeriods: true };

    /// <summary>The end of the period in use.</summary>
    public DateTimeOffset PeriodEnd => _end;

    /// <summary>Length of the period in use.</summary>
    public TimeSpan PeriodLength => _reservation is null ? TimeSpan.Zero : _end - _reservation.PeriodStart;

    /// <summary>When permits of the next period are due; null while nobody uses the quota in this one, or when they are there.</summary>
    public DateTimeOffset? ReserveAheadAt => _quota is not null && _usedInPeriod && _heldForNext == 0 ? _end - ReserveAhead(_quota.Per) : null;

    private long Spent => (_reservation?.Reserved ?? 0) - _held;

    /// <summary>Takes over what is stored.</summary>
    public void Load(ClientQuota? quota, ClientState state, DateTimeOffset now)
    {
        if (quota is null || quota.Per.Name != _reservation?.Per)
        {
            _reservation = null;
            _held = 0;
            _heldForNext = 0;
            _usedInPeriod = false;
        }

        _quota = quota;
        if (quota is null)
        {
            return;
        }

        var stored = state.QuotaOf(quota.Per);
        SetMoment(now);
        if (stored?.PeriodStart > _moment && stored.PeriodStart - now <= MaxLead)
        {
            _moment = stored.PeriodStart;
        }

        MoveReservation();
        _reservation = ReservationIn(state, quota.Per);
        _end = quota.Per.End(_moment);
        // A database that was restored may have less than this activation holds.
        _held = Math.Min(_held, _reservation.Reserved);
        _heldForNext = Math.Min(_heldForNext, _reservation.Next);
    }

    /// <summary>Spends one permit, where there is one.</summary>
    public QuotaOutcome Spend(DateTimeOffset now)
    {
        MoveTo(now);
        _usedInPeriod = true;
        if (Spent >= _quota!.Tokens)
        {
            return QuotaOutcome.Exceeded;
        }

        if (_held <= 0 && _quota.Enforce)
        {
            return QuotaOutcome.NothingHeld;
        }

        // One that only observes spends ahead of its reservation, so that nobody waits and all is counted.
        _held--;
        return QuotaOutcome.Spent;
    }

    /// <summary>Whether a reservation should be written now, before it is missed.</summary>
    public bool WantsWrite(DateTimeOffset now)
    {
        if (_quota is not { } quota)
        {
            return false;
        }

        MoveTo(now);
        var block = QuotaBlock.Size(quota.Tokens);
        return (_held <= block / 4 && _reservation!.Reserved < quota.Tokens) || _held > block || IsNextDue(now);
    }

    /// <summary>
    /// The row with as many permits reserved as an activation may hold, and with those of the next period when they are due; null when
    /// the row has them.
    /// </summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then the row forgets the later periods that it knows.</param>
    public ClientState? Refill(ClientState state, DateTimeOffset now, bool isClockTrusted)
    {
        if (_quota is not { } quota)
        {
            return null;
        }

        MoveTo(now);
        return ReserveToHold(
            state,
            // At most one block, never more: what a crash can lose is what is reserved and not spent.
            spent => QuotaBlock.Next(quota.Tokens, spent),
            spent => IsNextDue(now) ? QuotaBlock.Next(quota.Tokens, spent) : Math.Min(_heldForNext, QuotaBlock.Next(quota.Tokens, spent)),
            isClockTrusted);
    }

    /// <summary>The row after an administrative change, with what is held beyond the new quota given back.</summary>
    /// <param name="state">The row as it is to be written.</param>
    /// <param name="next">The quota that it has; null for none.</param>
    /// <param name="now">The time.</param>
    public ClientState FitToQuota(ClientState state, ClientQuota? next, DateTimeOffset now)
    {
        if (_quota is not { } quota)
        {
            return state;
        }

        MoveTo(now);
        return next is null || next.Per != quota.Per
            ? Release(state) ?? state
            : ReserveToHold(
                state,
                spent => Math.Min(_held, QuotaBlock.Next(next.Tokens, spent)),
                spent => Math.Min(_heldForNext, QuotaBlock.Next(next.Tokens, spent))) ?? state;
    }

    /// <summary>The row with all permits given back, and what was spent ahead of them written down; null when nothing is held.</summary>
    public ClientState? Release(ClientState state) => _quota is null ? null : ReserveToHold(state, _ => 0, _ => 0);

    /// <summary>Ends the write that the last call made up; without one it does nothing.</summary>
    public void WriteEnded(RecordOutcome outcome)
    {
        var (start, reserves, reservesForNext, returns, returnsForNext, forgets) = _pending;
        _pending = default;
        var (held, next) = outcome switch
        {
            RecordOutcome.Done => (reserves, reservesForNext),
            // What was given back may be in the row, and what was reserved may not: all of it counts as spent.
            RecordOutcome.Unknown => (0, 0),
            _ => (returns, returnsForNext),
        };
        if (_quota is null || _reservation is null)
        {
            return;
        }

        if (forgets && outcome == RecordOutcome.Unknown)
        {
            // As the row may be: what is held must not be carried over into a period that it does not know.
            _reservation = _reservation.WithoutLaterPeriods();
        }

        if (start == _reservation.PeriodStart)
        {
            _held += held;
            _heldForNext += next;
        }
        else if (start < _reservation.PeriodStart && _quota.Per.End(start) == _reservation.PeriodStart)
        {
            // The next period has begun meanwhile.
            _held += next;
        }
    }

    private ClientState? ReserveToHold(ClientState state, Func<long, long> wanted, Func<long, long> wantedForNext, bool isClockTrusted = false)
    {
        var stored = ReservationIn(state, _quota!.Per);
        var forgets = isClockTrusted && stored.KnowsLaterPeriods;
        stored = forgets ? stored.WithoutLaterPeriods() : stored;
        var more = wanted(stored.Reserved - _held) - _held;
        var moreForNext = wantedForNext(stored.Next - _heldForNext) - _heldForNext;
        if (more == 0 && moreForNext == 0 && !forgets)
        {
            return null;
        }

        _pending = new PendingWrite(
            stored.PeriodStart, Math.Max(0, more), Math.Max(0, moreForNext), Math.Max(0, -more), Math.Max(0, -moreForNext), forgets);
        _held += Math.Min(0, more);
        _heldForNext += Math.Min(0, moreForNext);
        return state.WithQuota(stored with { Reserved = stored.Reserved + more, Next = stored.Next + moreForNext });
    }

    private QuotaReservation ReservationIn(ClientState state, QuotaPeriod period) =>
        state.QuotaOf(period)?.MovedTo(period, _moment) ?? new QuotaReservation(period.Name, period.Start(_moment), Reserved: 0);

    private bool IsNextDue(DateTimeOffset now) => ReserveAheadAt <= now && _reservation!.Next < _quota!.Tokens;

    private void MoveTo(DateTimeOffset now)
    {
        SetMoment(now);
        MoveReservation();
    }

    /// <summary>Small steps back are not followed, so that the period does not change to and fro.</summary>
    private void SetMoment(DateTimeOffset now)
    {
        if (now >= _moment || _moment - now > MaxLead)
        {
            _moment = now;
        }
    }

    /// <summary>Brings what is remembered to the period in use.</summary>
    private void MoveReservation()
    {
        if (_reservation is not { } old || (_moment >= old.PeriodStart && _moment < _end))
        {
            return;
        }

        var period = _quota!.Per;
        _reservation = old.MovedTo(period, _moment);
        if (old.IsFresh(_reservation.PeriodStart))
        {
            _held = _reservation.PeriodStart == _end ? _heldForNext : 0;
        }
        else if (_pending.Start == old.PeriodStart)
        {
            // Permits that are held stay held in this period, and a write under way counts in it too.
            _pending = _pending with { Start = _reservation.PeriodStart, ReservesForNext = 0, ReturnsForNext = 0 };
        }

        _heldForNext = 0;
        _usedInPeriod = false;
        _end = period.End(_moment);
    }

    private TimeSpan ReserveAhead(QuotaPeriod period)
    {
        var window = period == QuotaPeriod.Month ? TimeSpan.FromHours(6) : period == QuotaPeriod.Day ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(10);
        return MinReserveAhead + (spread * window);
    }

    /// <summary>What a write under way does to the permits of a period and the one after it.</summary>
    private readonly record struct PendingWrite(
        DateTimeOffset Start, long Reserves, long ReservesForNext, long Returns, long ReturnsForNext, bool Forgets);
}
