using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Clients;
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
/// lose permits but never give more than the quota.</para>
/// </remarks>
internal sealed class ClientLimits(TimeProvider clock)
{
    private static readonly TimeSpan FailureCountsFor = TimeSpan.FromSeconds(1);

    // From a moment near by: elapsed times go through a double, which is exact for days, not for decades.
    private readonly long _origin = clock.GetTimestamp();

    private string _self = "";
    private RateLimit? _rate;
    private bool _rateEnforced;
    private bool _claimed;
    private bool _hasBucket;
    private TheoreticalArrival _arrival;

    private QuotaLimit? _quota;
    private QuotaPeriod? _periodKind;
    private DateTimeOffset _period;
    private long _reserved;
    private long _left;
    private long _blockUnderWay;
    private long? _failedAt;
    private bool _signingOff;

    /// <summary>Whether a deactivation has permits or a bucket level to store.</summary>
    public bool HasSomethingToGiveBack => _left > 0 || (_claimed && _rate is not null);

    private TimeSpan Monotonic => clock.GetElapsedTime(_origin);

    /// <summary>Takes over what is stored. <paramref name="written"/>: by this activation's own write just now.</summary>
    public void Adopt(ClientPolicy policy, ClientState state, string self, bool written)
    {
        _self = self;
        AdoptRate(policy, state);
        AdoptQuota(policy, state, written);
    }

    /// <summary>Decides one token and spends it when it is allowed.</summary>
    public LimitDecision Decide(ClientPolicy policy, DateTimeOffset now)
    {
        if (_rate is null && _quota is null)
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

        var need = LimitNeed.None;
        var quotaExceeded = false;
        if (_quota is { } quota)
        {
            RollPeriod(quota, now);
            if (_left <= 0 && quota.Enforced)
            {
                return _reserved >= quota.Tokens
                    ? new LimitDecision(LimitOutcome.QuotaExceeded, LimitNeed.None, quota.Period.End(_period) - now, Standing(rate, now))
                    : new LimitDecision(WaitOrUnavailable(), LimitNeed.Reserve, TimeSpan.Zero, null);
            }

            quotaExceeded = _left <= 0 && _reserved >= quota.Tokens;
            // One that only observes runs into debt until its block has come, so that nobody waits and all is counted.
            _left -= _left > 0 || _reserved < quota.Tokens ? 1 : 0;
            // The next block is fetched while this one still serves, so that a busy client rarely waits.
            need = _reserved < quota.Tokens && _left <= QuotaBlock.Size(quota.Tokens) / 4 ? LimitNeed.Reserve : LimitNeed.None;
        }

        if (rate is { Allowed: true } allowed)
        {
            _arrival = allowed.NewTheoreticalArrival;
        }

        var standing = Standing(rate, now) with { RateExceeded = rate is { Allowed: false }, QuotaExceeded = quotaExceeded };
        return new LimitDecision(LimitOutcome.Allowed, need, TimeSpan.Zero, standing);
    }

    /// <summary>The row with this activation as the owner of the bucket.</summary>
    public ClientState? Claim(ClientState? state) =>
        state is null or { Deleted: true } || _signingOff || state.LimitOwner == _self ? null : state with { LimitOwner = _self, LimitLevel = null };

    /// <summary>The row with one more block of the quota reserved.</summary>
    public ClientState? Reserve(ClientState? state, DateTimeOffset now)
    {
        _blockUnderWay = 0;
        if (state is null or { Deleted: true } || _signingOff || _quota is not { } quota)
        {
            return null;
        }

        RollPeriod(quota, now);
        var present = state.Quota is { } stored && stored.PeriodStart == _period && stored.Per == quota.Period.Name
            ? stored
            : new QuotaReservation(quota.Period.Name, _period, Reserved: 0);
        // Filled up to one block, never more: what a crash can lose is what is reserved and not spent.
        var block = Math.Min(QuotaBlock.Next(quota.Tokens, present.Reserved), QuotaBlock.Size(quota.Tokens) - Math.Max(0, _left));
        if (block <= 0)
        {
            return null;
        }

        _blockUnderWay = block;
        return state with { Quota = present with { Reserved = present.Reserved + block } };
    }

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

        // Computed anew when the first try meets another writer, so nothing is taken from memory here.
        if (_left > 0 && state.Quota is { } quota && quota.PeriodStart == _period && quota.Per == _quota?.Period.Name)
        {
            state = state with { Quota = quota with { Reserved = Math.Max(0, quota.Reserved - _left) } };
        }

        if (_claimed && _rate is { } rate && state.LimitOwner == _self)
        {
            state = state with { LimitOwner = null, LimitLevel = rate.Level(Monotonic, _arrival) };
        }

        return state;
    }

    /// <summary>Remembers whether the last claim or reservation failed, so that callers are told at once for a second.</summary>
    public void WorkEnded(bool done)
    {
        _blockUnderWay = 0;
        _failedAt = done ? null : clock.GetTimestamp();
    }

    private LimitOutcome WaitOrUnavailable() =>
        _failedAt is { } at && clock.GetElapsedTime(at) < FailureCountsFor ? LimitOutcome.Unavailable : LimitOutcome.Wait;

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

    private void AdoptQuota(ClientPolicy policy, ClientState state, bool written)
    {
        _quota = policy.Document.Quota is { } q ? new QuotaLimit(q.Tokens, q.Per, q.Enforce) : null;
        if (_quota is not { } quota)
        {
            _left = 0;
            return;
        }

        if (quota.Period != _periodKind)
        {
            _periodKind = quota.Period;
            _period = default;
            _reserved = 0;
            _left = 0;
        }

        if (state.Quota is { } stored && stored.Per == quota.Period.Name)
        {
            if (stored.PeriodStart > _period)
            {
                _period = stored.PeriodStart;
                _left = 0;
            }

            if (stored.PeriodStart == _period)
            {
                _reserved = stored.Reserved;
                _left += written ? _blockUnderWay : 0;
            }
        }

        _blockUnderWay = 0;
        // A lowered quota takes back what exceeds it.
        _left = Math.Min(_left, Math.Max(0, quota.Tokens - (_reserved - _left)));
    }

    private void RollPeriod(QuotaLimit quota, DateTimeOffset now)
    {
        var start = quota.Period.Start(now);
        if (start > _period)
        {
            _period = start;
            _reserved = 0;
            _left = 0;
        }
    }

    private LimitStanding Standing(RateDecision? rate, DateTimeOffset now)
    {
        var quota = _quota;
        var periodEnd = quota?.Period.End(_period);
        return new LimitStanding(
            _rate?.TokensPerSecond ?? 0,
            _rate?.Burst ?? 0,
            rate?.Remaining ?? 0,
            rate?.ResetAfter ?? TimeSpan.Zero,
            quota?.Tokens ?? 0,
            quota is null ? 0 : (long)(periodEnd!.Value - _period).TotalSeconds,
            quota is null ? 0 : Math.Max(0, quota.Tokens - _reserved + _left),
            quota is null ? TimeSpan.Zero : periodEnd!.Value - now);
    }

    private sealed record QuotaLimit(long Tokens, QuotaPeriod Period, bool Enforced);
}
