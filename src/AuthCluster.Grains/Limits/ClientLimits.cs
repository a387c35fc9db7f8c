using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Clients;
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
/// <para>The bucket is spent from only by the activation that the row names as its owner. It starts from the
/// level that a clean deactivation stored, or empty when the last owner did not sign off.</para>
/// <para>The quota is spent from blocks that were stored as reserved before, so that any number of crashes can
/// lose permits but never give more than the quota (<see cref="QuotaPermits"/>).</para>
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="spread">A number of the client's own, 0 to 1: it spreads over time what clients do before a period of their quotas ends.</param>
internal sealed class ClientLimits(TimeProvider clock, double spread)
{
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    // From a moment near by: elapsed times go through a double, which is exact for days, not for decades.
    private readonly long _origin = clock.GetTimestamp();
    private readonly QuotaPermits _permits = new(spread);

    private string _self = "";
    private RateLimit? _rate;
    private bool _rateEnforced;
    private bool _claimed;
    private bool _hasBucket;
    private TheoreticalArrival _arrival;

    private long? _failedAt;
    private bool _signingOff;

    /// <summary>Whether a deactivation has permits or a bucket level to store.</summary>
    public bool HasSomethingToGiveBack => _permits.HasSomethingToGiveBack || (_claimed && _rate is not null);

    /// <summary>When permits of the quota's next period are due; null for never as things are.</summary>
    public DateTimeOffset? ReserveAheadAt => _permits.ReserveAheadAt;

    /// <summary>Whether the row knows of periods of the quota that begin later than the present one, which a clock that was ahead has used.</summary>
    public bool KnowsLaterPeriods => _permits.KnowsLaterPeriods;

    private TimeSpan Monotonic => clock.GetElapsedTime(_origin);

    private bool HasFailedLately => _failedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor;

    /// <summary>Takes over what is stored.</summary>
    public void Adopt(ClientPolicy policy, ClientState state, string self)
    {
        _self = self;
        AdoptRate(policy, state);
        _permits.Adopt(policy.Document.Quota, state, clock.GetUtcNow());
    }

    /// <summary>Decides one token and spends it when it is allowed.</summary>
    public LimitDecision Decide(DateTimeOffset now)
    {
        if (_rate is null && _permits.Quota is null)
        {
            return new LimitDecision(LimitOutcome.Allowed, LimitNeed.None, TimeSpan.Zero, null);
        }

        if (_rate is not null && _rateEnforced && !_claimed)
        {
            return new LimitDecision(WaitOrUnavailable(), LimitNeed.Claim, TimeSpan.Zero, null);
        }

        var rate = _rate?.Decide(Monotonic, _arrival);
        if (rate is { Allowed: false } limited && _rateEnforced)
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
                return new LimitDecision(LimitOutcome.QuotaExceeded, WhatCanWait(now), _permits.PeriodEnd - now, Standing(rate, now));
            }
        }

        if (rate is { Allowed: true } allowed)
        {
            _arrival = allowed.NewTheoreticalArrival;
        }

        var standing = Standing(rate, now) with { RateExceeded = rate is { Allowed: false }, QuotaExceeded = quotaExceeded };
        return new LimitDecision(LimitOutcome.Allowed, WhatCanWait(now), TimeSpan.Zero, standing);
    }

    /// <summary>What had better be stored before somebody waits for it: the next block, or the first one of the next period.</summary>
    public LimitNeed WhatCanWait(DateTimeOffset now) =>
        !_signingOff && !HasFailedLately && _permits.WantsWrite(now) ? LimitNeed.Reserve : LimitNeed.None;

    /// <summary>The row with this activation as the owner of the bucket, and with the quota's permits in the same write.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isRight">Whether the clock is beyond doubt: then later periods that the row knows are forgotten.</param>
    public ClientState? Claim(ClientState? state, DateTimeOffset now, bool isRight)
    {
        if (state is null or { Deleted: true } || _signingOff || state.LimitOwner == _self)
        {
            return null;
        }

        var claimed = state with { LimitOwner = _self, LimitLevel = null };
        return _permits.Refill(claimed, now, isRight) ?? claimed;
    }

    /// <summary>The row with the quota's permits reserved; null when it has them.</summary>
    /// <param name="state">The row.</param>
    /// <param name="now">The time.</param>
    /// <param name="isRight">Whether the clock is beyond doubt: then later periods that the row knows are forgotten.</param>
    public ClientState? Reserve(ClientState? state, DateTimeOffset now, bool isRight) =>
        state is null or { Deleted: true } || _signingOff ? null : _permits.Refill(state, now, isRight);

    /// <summary>The row after an administrative change: what is held beyond its quota is given back in the same write.</summary>
    /// <param name="state">The row as it is to be written.</param>
    /// <param name="quota">The quota that it has; null for none.</param>
    /// <param name="now">The time.</param>
    public ClientState Settle(ClientState state, ClientQuota? quota, DateTimeOffset now) => _permits.Settle(state, quota, now);

    /// <summary>
    /// The row as a clean deactivation leaves it: unspent permits given back, the bucket's level kept. The last
    /// write of an activation: what was started before and comes after it changes nothing.
    /// </summary>
    public ClientState? SignOff(ClientState? state)
    {
        _signingOff = true;
        if (state is null)
        {
            return null;
        }

        var left = _permits.GiveBack(state) ?? state;
        if (_claimed && _rate is { } rate && left.LimitOwner == _self)
        {
            left = left with { LimitOwner = null, LimitLevel = rate.Level(Monotonic, _arrival) };
        }

        return ReferenceEquals(left, state) ? null : left;
    }

    /// <summary>Ends the write of the row whose state was made up last, whatever it was for.</summary>
    public void WriteEnded(RecordOutcome outcome) => _permits.WriteEnded(outcome switch
    {
        RecordOutcome.Done => QuotaWrite.Written,
        RecordOutcome.Unknown => QuotaWrite.Unknown,
        _ => QuotaWrite.NotWritten,
    });

    /// <summary>Remembers whether the last claim or reservation failed, so that callers are told at once for a second.</summary>
    public void WorkEnded(bool done) => _failedAt = done ? null : clock.GetTimestamp();

    private LimitOutcome WaitOrUnavailable() => HasFailedLately ? LimitOutcome.Unavailable : LimitOutcome.Wait;

    private void AdoptRate(ClientPolicy policy, ClientState state)
    {
        var limit = policy.Document.RateLimit;
        if (limit is null)
        {
            _rate = null;
            _hasBucket = false;
            _claimed = false;
            return;
        }

        var rate = new RateLimit(limit.TokensPerSecond, limit.Burst);
        var ownedByAnother = state.LimitOwner is not null && state.LimitOwner != _self;
        if (!_hasBucket || (ownedByAnother && limit.Enforce))
        {
            // Another owner has spent what we remember, whether we had claimed it before or not.
            var level = ownedByAnother ? 0 : Math.Min(state.LimitLevel ?? limit.Burst, limit.Burst);
            _arrival = rate.ArrivalAtLevel(Monotonic, level);
            _hasBucket = true;
        }
        else if (_rate is { } old && rate != old)
        {
            // A changed limit keeps what was in the bucket, as far as the new one holds it.
            _arrival = rate.ArrivalAtLevel(Monotonic, Math.Min(old.Level(Monotonic, _arrival), limit.Burst));
        }

        _rate = rate;
        _rateEnforced = limit.Enforce;
        _claimed = state.LimitOwner == _self;
    }

    private LimitStanding Standing(RateDecision? rate, DateTimeOffset now)
    {
        var quota = _permits.Quota;
        return new LimitStanding(
            _rate?.TokensPerSecond ?? 0,
            _rate?.Burst ?? 0,
            rate?.Remaining ?? 0,
            rate?.ResetAfter ?? TimeSpan.Zero,
            quota?.Tokens ?? 0,
            quota is null ? 0 : (long)_permits.PeriodLength.TotalSeconds,
            _permits.Remaining,
            quota is null ? TimeSpan.Zero : _permits.PeriodEnd - now);
    }
}
