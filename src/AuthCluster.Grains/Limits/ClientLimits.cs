using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>What the limits say to one token.</summary>
internal enum LimitOutcome
{
    /// <summary>Allowed, and spent.</summary>
    Allowed,

    /// <summary>Something has to be stored first.</summary>
    Wait,

    /// <summary>What has to be stored first can't be stored now.</summary>
    Unavailable,

    /// <summary>The rate limit is spent.</summary>
    RateLimited,

    /// <summary>The quota is spent.</summary>
    QuotaExceeded,
}

/// <summary>What the limits want stored, now or soon.</summary>
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
/// The rate limit is spent from a bucket of which the row names the owner (<see cref="RateBucket"/>), the quota from blocks that were
/// stored as reserved before (<see cref="QuotaPermits"/>), so that crashes lose permits but never give more than the limits.
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="spread">A number of the client's own, 0 to 1: it spreads over time what clients do before a period of their quotas ends.</param>
internal sealed class ClientLimits(TimeProvider clock, double spread)
{
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    private readonly RateBucket _bucket = new(clock);
    private readonly QuotaPermits _permits = new(spread);
    private long? _failedAt;
    private bool _isReleased;

    /// <summary>Whether a deactivation has permits or a bucket level to store.</summary>
    public bool HasUnsavedState => _permits.HasUnsavedState || _bucket.HasUnsavedState;

    /// <summary>When permits of the quota's next period are due; null for never as things are.</summary>
    public DateTimeOffset? ReserveAheadAt => _permits.ReserveAheadAt;

    /// <summary>Whether the row knows of periods of the quota that begin later than the present one, which a clock that was ahead has used.</summary>
    public bool KnowsLaterPeriods => _permits.KnowsLaterPeriods;

    private bool HasFailedLately => _failedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor;

    /// <summary>Takes over what is stored.</summary>
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

    /// <summary>What had better be stored before somebody waits for it: the next block, or the first one of the next period.</summary>
    public LimitNeed NeedAhead(DateTimeOffset now) =>
        !_isReleased && !HasFailedLately && _permits.WantsWrite(now) ? LimitNeed.Reserve : LimitNeed.None;

    /// <summary>The row with this activation as the owner of the bucket, and with the quota's permits in the same write.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then later periods that the row knows are forgotten.</param>
    public ClientState? Claim(ClientState? state, DateTimeOffset now, bool isClockTrusted)
    {
        if (state is null or { Deleted: true } || _isReleased || _bucket.Claim(state) is not { } claimed)
        {
            return null;
        }

        return _permits.Refill(claimed, now, isClockTrusted) ?? claimed;
    }

    /// <summary>The row with the quota's permits reserved; null when it has them.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isClockTrusted">Whether the clock is beyond doubt: then later periods that the row knows are forgotten.</param>
    public ClientState? Reserve(ClientState? state, DateTimeOffset now, bool isClockTrusted) =>
        state is null or { Deleted: true } || _isReleased ? null : _permits.Refill(state, now, isClockTrusted);

    /// <summary>The row after an administrative change: what is held beyond its quota is given back in the same write.</summary>
    /// <param name="state">The row as it is to be written.</param>
    /// <param name="quota">The quota that it has; null for none.</param>
    /// <param name="now">The time.</param>
    public ClientState FitToQuota(ClientState state, ClientQuota? quota, DateTimeOffset now) => _permits.FitToQuota(state, quota, now);

    /// <summary>
    /// The row as a clean deactivation leaves it: unspent permits given back, the bucket's level kept. The last
    /// write of an activation: what was started before and comes after it changes nothing.
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

    /// <summary>Ends the write of the row whose state was made up last, whatever it was for.</summary>
    public void WriteEnded(RecordOutcome outcome) => _permits.WriteEnded(outcome);

    /// <summary>Remembers whether the last claim or reservation failed, so that callers are told at once for a second.</summary>
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
