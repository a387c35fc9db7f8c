using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>The quota's decision about one token.</summary>
internal enum QuotaOutcome
{
    /// <summary>Spent from the quota.</summary>
    Spent,

    /// <summary>The quota has more permits, but they must be reserved first.</summary>
    NothingHeld,

    /// <summary>The quota of this period is spent.</summary>
    Exceeded,
}

/// <summary>
/// The permits of one client's quota that its activation holds: reserved in the row and not spent yet.
/// </summary>
/// <remarks>
/// <para>Spent is what the row has reserved minus what is held here; permits of another activation count as spent. So loading a row
/// changes what is reserved and allowed, not what is held, and loading it twice changes nothing more.</para>
/// <para>Only writes of the row change the number of reserved permits. Permits that a write reserves are held after it has returned; permits that it gives back
/// can't be spent from the moment at which the write is prepared.</para>
/// <para>The period in use is that of the clock. A clock that goes back by at most <see cref="MaxLead"/> does not lead back to an earlier period.</para>
/// </remarks>
/// <param name="spread">A number of the client's own, 0 to 1: at which point of the time before a period's end it reserves for the next one.</param>
internal sealed class QuotaPermits(double spread)
{
    /// <summary>
    /// How far ahead of this clock a stored period may begin and still be used: the clocks of two silos differ by less. A period that begins
    /// later came from a wrong clock.
    /// </summary>
    internal static readonly TimeSpan MaxLead = TimeSpan.FromMinutes(5);

    // Late enough that few reservations are wasted, early enough for the writes of all clients.
    private static readonly TimeSpan MinReserveAhead = TimeSpan.FromSeconds(30);

    private ClientQuota? _quota;
    private QuotaReservation? _reservation;
    private DateTimeOffset _latestTime;
    private DateTimeOffset _end;

    // Negative while a quota that only observes has spent permits that are not reserved yet.
    private long _held;
    private long _heldForNext;
    private bool _usedInPeriod;
    private PendingWrite _pending;

    /// <summary>Whether a deactivation has something to store.</summary>
    public bool HasUnsavedState => _held != 0 || _heldForNext != 0;

    /// <summary>The quota; null when there is none.</summary>
    public ClientQuota? Quota => _quota;

    /// <summary>How many permits can still be spent in this period.</summary>
    public long Remaining => _quota is null ? 0 : Math.Max(0, _quota.Tokens - Spent);

    /// <summary>Whether the row knows later periods: a clock that was ahead used them.</summary>
    public bool KnowsLaterPeriods => _reservation is { KnowsLaterPeriods: true };

    /// <summary>The end of the period in use.</summary>
    public DateTimeOffset PeriodEnd => _end;

    /// <summary>Length of the period in use.</summary>
    public TimeSpan PeriodLength => _reservation is null ? TimeSpan.Zero : _end - _reservation.PeriodStart;

    /// <summary>When permits of the next period are to be reserved; null while nobody uses the quota in this one, or when they are reserved.</summary>
    public DateTimeOffset? ReserveAheadAt => _quota is not null && _usedInPeriod && _heldForNext == 0 ? _end - ReserveAhead(_quota.Per) : null;

    private long Spent => (_reservation?.Reserved ?? 0) - _held;

    /// <summary>Loads what is stored.</summary>
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
        NoteTime(now);
        if (stored?.PeriodStart > _latestTime && stored.PeriodStart - now <= MaxLead)
        {
            _latestTime = stored.PeriodStart;
        }

        MoveReservation();
        _reservation = ReservationIn(state, quota.Per);
        _end = quota.Per.End(_latestTime);
        // A restored database may have fewer permits reserved than this activation holds.
        _held = Math.Min(_held, _reservation.Reserved);
        _heldForNext = Math.Min(_heldForNext, _reservation.Next);
    }

    /// <summary>Spends one permit if there is one.</summary>
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

        // A quota that only observes spends before it has reserved, so that nobody waits and every token is counted.
        _held--;
        return QuotaOutcome.Spent;
    }

    /// <summary>Whether a reservation should be written now, before somebody has to wait for it.</summary>
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
    /// The row with as many permits reserved as an activation may hold, and with permits of the next period when these are due; null when
    /// nothing changes.
    /// </summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then the row forgets later periods.</param>
    public ClientState? Refill(ClientState state, DateTimeOffset now, bool isClockTrusted)
    {
        if (_quota is not { } quota)
        {
            return null;
        }

        MoveTo(now);
        return ReserveToHold(
            state,
            // At most one block, since a crash loses what is reserved and not spent.
            spent => QuotaBlock.Next(quota.Tokens, spent),
            spent => IsNextDue(now) ? QuotaBlock.Next(quota.Tokens, spent) : Math.Min(_heldForNext, QuotaBlock.Next(quota.Tokens, spent)),
            isClockTrusted);
    }

    /// <summary>The row after an administrative change, with permits beyond the new quota given back.</summary>
    /// <param name="state">The row as it is to be written.</param>
    /// <param name="next">The quota in that row; null for none.</param>
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

    /// <summary>The row with all permits given back, and with permits that were spent before they were reserved; null when nothing changes.</summary>
    public ClientState? Release(ClientState state) => _quota is null ? null : ReserveToHold(state, _ => 0, _ => 0);

    /// <summary>Takes the outcome of the write that the last call prepared; does nothing when it prepared none.</summary>
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
            // The row may have forgotten them: permits must not be carried over into a period that the row does not know.
            _reservation = _reservation.WithoutLaterPeriods();
        }

        if (start == _reservation.PeriodStart)
        {
            _held += held;
            _heldForNext += next;
        }
        else if (start < _reservation.PeriodStart && _quota.Per.End(start) == _reservation.PeriodStart)
        {
            // The next period began during the write.
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
        state.QuotaOf(period)?.MovedTo(period, _latestTime) ?? new QuotaReservation(period.Name, period.Start(_latestTime), Reserved: 0);

    private bool IsNextDue(DateTimeOffset now) => ReserveAheadAt <= now && _reservation!.Next < _quota!.Tokens;

    private void MoveTo(DateTimeOffset now)
    {
        NoteTime(now);
        MoveReservation();
    }

    /// <summary>Ignores small steps back, so that the period does not change to and fro.</summary>
    private void NoteTime(DateTimeOffset now)
    {
        if (now >= _latestTime || _latestTime - now > MaxLead)
        {
            _latestTime = now;
        }
    }

    /// <summary>Moves the reservation and the permits to the period in use.</summary>
    private void MoveReservation()
    {
        if (_reservation is not { } old || (_latestTime >= old.PeriodStart && _latestTime < _end))
        {
            return;
        }

        var period = _quota!.Per;
        _reservation = old.MovedTo(period, _latestTime);
        if (old.IsFresh(_reservation.PeriodStart))
        {
            _held = _reservation.PeriodStart == _end ? _heldForNext : 0;
        }
        else if (_pending.Start == old.PeriodStart)
        {
            // Held permits stay held in this period, and a running write counts in it too.
            _pending = _pending with { Start = _reservation.PeriodStart, ReservesForNext = 0, ReturnsForNext = 0 };
        }

        _heldForNext = 0;
        _usedInPeriod = false;
        _end = period.End(_latestTime);
    }

    private TimeSpan ReserveAhead(QuotaPeriod period)
    {
        var window = period == QuotaPeriod.Month ? TimeSpan.FromHours(6) : period == QuotaPeriod.Day ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(10);
        return MinReserveAhead + (spread * window);
    }

    /// <summary>What a running write does to the permits of a period and of the period after it.</summary>
    private readonly record struct PendingWrite(
        DateTimeOffset Start, long Reserves, long ReservesForNext, long Returns, long ReturnsForNext, bool Forgets);
}
