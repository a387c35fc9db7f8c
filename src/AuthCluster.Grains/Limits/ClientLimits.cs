using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>The limits' decision about one token.</summary>
internal enum LimitOutcome
{
    /// <summary>Allowed, and spent.</summary>
    Allowed,

    /// <summary>Something has to be stored first.</summary>
    Wait,

    /// <summary>Something has to be stored first, and storage is unavailable.</summary>
    Unavailable,

    /// <summary>The rate limit is spent.</summary>
    RateLimited,

    /// <summary>The quota is spent.</summary>
    QuotaExceeded,
}

/// <summary>The write of the row that the limits need.</summary>
internal enum LimitNeed
{
    None,
    Claim,
    Reserve,
}

/// <summary>One decision of the limits.</summary>
internal readonly record struct LimitDecision(LimitOutcome Outcome, LimitNeed Need, TimeSpan RetryAfter, LimitStanding? Standing);

/// <summary>
/// The rate limit and the quota of one client in the memory of its activation.
/// </summary>
/// <remarks>
/// The rate limit is spent from a bucket whose owner the row names (<see cref="RateBucket"/>), the quota from blocks that were stored as
/// reserved before (<see cref="QuotaPermits"/>). So a crash loses permits but never grants more than the limits.
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="spread">A number of the client's own, 0 to 1: it spreads the writes of all clients over the time before a quota period ends.</param>
/// <param name="maySpend">Whether this silo may spend from a rate limit now.</param>
internal sealed class ClientLimits(TimeProvider clock, double spread, Func<bool> maySpend)
{
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    private readonly RateBucket _bucket = new(clock);
    private readonly QuotaPermits _permits = new(spread);
    private long? _failedAt;
    private bool _isReleased;

    /// <summary>Whether a deactivation has permits or a bucket level to store.</summary>
    public bool HasUnsavedState => _permits.HasUnsavedState || _bucket.HasUnsavedState;

    /// <summary>When permits of the quota's next period are to be reserved; null when none are needed.</summary>
    public DateTimeOffset? ReserveAheadAt => _permits.ReserveAheadAt;

    /// <summary>Whether the row knows quota periods that begin after the present one: a clock that was ahead used them.</summary>
    public bool KnowsLaterPeriods => _permits.KnowsLaterPeriods;

    private bool HasFailedLately => _failedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor;

    /// <summary>Loads what is stored.</summary>
    public void Load(ClientDocument document, ClientState state, string self)
    {
        _bucket.Load(document.RateLimit, state, self);
        _permits.Load(document.Quota, state, clock.GetUtcNow());
    }

    /// <summary>Decides one token and spends it when it is allowed.</summary>
    public LimitDecision Decide(DateTimeOffset now)
    {
        if (_bucket.Rate is null && _permits.Quota is null)
        {
            return new LimitDecision(LimitOutcome.Allowed, LimitNeed.None, TimeSpan.Zero, null);
        }

        if (_bucket.MustBeClaimed)
        {
            return new LimitDecision(WaitOrUnavailable(), LimitNeed.Claim, TimeSpan.Zero, null);
        }

        if (_bucket.IsEnforced && !maySpend())
        {
            return new LimitDecision(LimitOutcome.Unavailable, LimitNeed.None, TimeSpan.Zero, null);
        }

        var rate = _bucket.Decide();
        if (rate is { Allowed: false } limited && _bucket.IsEnforced)
        {
            return new LimitDecision(LimitOutcome.RateLimited, LimitNeed.None, limited.RetryAfter, Standing(rate, now));
        }

        var quotaExceeded = false;
        if (_permits.Quota is { } quota)
        {
            var outcome = _permits.Spend(now);
            quotaExceeded = outcome == QuotaOutcome.Exceeded;
            if (outcome == QuotaOutcome.NothingHeld)
            {
                return new LimitDecision(WaitOrUnavailable(), LimitNeed.Reserve, TimeSpan.Zero, null);
            }

            if (quotaExceeded && quota.Enforce)
            {
                return new LimitDecision(LimitOutcome.QuotaExceeded, NeedAhead(now), _permits.PeriodEnd - now, Standing(rate, now));
            }
        }

        if (rate is { Allowed: true } allowed)
        {
            _bucket.Spend(allowed);
        }

        var standing = Standing(rate, now) with { RateExceeded = rate is { Allowed: false }, QuotaExceeded = quotaExceeded };
        return new LimitDecision(LimitOutcome.Allowed, NeedAhead(now), TimeSpan.Zero, standing);
    }

    /// <summary>The write to make before somebody waits for it: of the next block, or of the first block of the next period.</summary>
    public LimitNeed NeedAhead(DateTimeOffset now) =>
        !_isReleased && !HasFailedLately && _permits.WantsWrite(now) ? LimitNeed.Reserve : LimitNeed.None;

    /// <summary>The row with this activation as the owner of the bucket, and with quota permits reserved; null when nothing changes.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then the row forgets later periods.</param>
    public ClientState? Claim(ClientState? state, DateTimeOffset now, bool isClockTrusted)
    {
        if (state is null or { Deleted: true } || _isReleased || _bucket.Claim(state) is not { } claimed)
        {
            return null;
        }

        return _permits.Refill(claimed, now, isClockTrusted) ?? claimed;
    }

    /// <summary>Notes that no other activation spends from the bucket any more.</summary>
    /// <returns>False when this one does not either: another has claimed the bucket meanwhile.</returns>
    public bool ClaimConfirmed() => _bucket.Confirm();

    /// <summary>The row with quota permits reserved; null when nothing changes.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then the row forgets later periods.</param>
    public ClientState? Reserve(ClientState? state, DateTimeOffset now, bool isClockTrusted) =>
        state is null or { Deleted: true } || _isReleased ? null : _permits.Refill(state, now, isClockTrusted);

    /// <summary>The row after an administrative change: permits beyond the quota are given back in the same write.</summary>
    /// <param name="state">The row as it is to be written.</param>
    /// <param name="quota">The quota in that row; null for none.</param>
    /// <param name="now">The time.</param>
    public ClientState FitToQuota(ClientState state, ClientQuota? quota, DateTimeOffset now) => _permits.FitToQuota(state, quota, now);

    /// <summary>
    /// The row for a clean deactivation: unspent permits given back, the level of the bucket stored. After this, claims and
    /// reservations that were started before change nothing.
    /// </summary>
    public ClientState? Release(ClientState? state)
    {
        _isReleased = true;
        if (state is null)
        {
            return null;
        }

        var left = _bucket.Release(_permits.Release(state) ?? state);
        return ReferenceEquals(left, state) ? null : left;
    }

    /// <summary>Takes the outcome of the row's last write, whatever it was for.</summary>
    public void WriteEnded(RecordOutcome outcome) => _permits.WriteEnded(outcome);

    /// <summary>Takes the end of a claim or reservation. For a second after a failure callers are told at once that storage is unavailable.</summary>
    public void WorkEnded(bool done) => _failedAt = done ? null : clock.GetTimestamp();

    private LimitOutcome WaitOrUnavailable() => HasFailedLately ? LimitOutcome.Unavailable : LimitOutcome.Wait;

    private LimitStanding Standing(RateDecision? rate, DateTimeOffset now)
    {
        var quota = _permits.Quota;
        return new LimitStanding(
            _bucket.Rate?.TokensPerSecond ?? 0,
            _bucket.Rate?.Burst ?? 0,
            rate?.Remaining ?? 0,
            rate?.ResetAfter ?? TimeSpan.Zero,
            quota?.Tokens ?? 0,
            quota is null ? 0 : (long)_permits.PeriodLength.TotalSeconds,
            _permits.Remaining,
            quota is null ? TimeSpan.Zero : _permits.PeriodEnd - now);
    }
}
