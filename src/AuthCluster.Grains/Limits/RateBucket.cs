using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>
/// The bucket of one client's rate limit in the memory of its activation. It is spent from only by the activation that the row names as
/// its owner. It starts from the level that a clean deactivation stored, or empty when the last owner did not sign off.
/// </summary>
internal sealed class RateBucket(TimeProvider clock)
{
    // From a moment near by: elapsed times go through a double, which is exact for days, not for decades.
    private readonly long _origin = clock.GetTimestamp();

    private string _self = "";
    private RateLimit? _rate;
    private bool _isEnforced;
    private bool _isClaimed;
    private bool _hasLevel;
    private TheoreticalArrival _arrival;

    /// <summary>The limit; null for none.</summary>
    public RateLimit? Rate => _rate;

    /// <summary>Whether what is over the limit is refused, and not only counted.</summary>
    public bool IsEnforced => _isEnforced;

    /// <summary>Whether the row must name this activation before anything is spent.</summary>
    public bool MustBeClaimed => _rate is not null && _isEnforced && !_isClaimed;

    /// <summary>Whether a deactivation has a level to store.</summary>
    public bool HasUnsavedState => _isClaimed && _rate is not null;

    private TimeSpan Monotonic => clock.GetElapsedTime(_origin);

    /// <summary>Takes over what is stored.</summary>
    /// <param name="limit">The client's limit; null for none.</param>
    /// <param name="state">The row.</param>
    /// <param name="self">This activation, as the row names it.</param>
    public void Load(ClientRateLimit? limit, ClientState state, string self)
    {
        _self = self;
        if (limit is null)
        {
            _rate = null;
            _hasLevel = false;
            _isClaimed = false;
            return;
        }

        var rate = new RateLimit(limit.TokensPerSecond, limit.Burst);
        var ownedByAnother = state.LimitOwner is not null && state.LimitOwner != self;
        if (!_hasLevel || (ownedByAnother && limit.Enforce))
        {
            // Another owner has spent what is remembered here, whether this activation had claimed the bucket before or not.
            var level = ownedByAnother ? 0 : Math.Min(state.LimitLevel ?? limit.Burst, limit.Burst);
            _arrival = rate.ArrivalAtLevel(Monotonic, level);
            _hasLevel = true;
        }
        else if (_rate is { } old && rate != old)
        {
            // A changed limit keeps what was in the bucket, as far as the new one holds it.
            _arrival = rate.ArrivalAtLevel(Monotonic, Math.Min(old.Level(Monotonic, _arrival), limit.Burst));
        }

        _rate = rate;
        _isEnforced = limit.Enforce;
        _isClaimed = state.LimitOwner == self;
    }

    /// <summary>Decides one token without spending it; null when there is no limit.</summary>
    public RateDecision? Decide() => _rate?.Decide(Monotonic, _arrival);

    /// <summary>Spends what was decided just before.</summary>
    public void Spend(RateDecision allowed) => _arrival = allowed.NewTheoreticalArrival;

    /// <summary>The row with this activation as the owner; null when it is the owner already.</summary>
    public ClientState? Claim(ClientState state) =>
        state.LimitOwner == _self ? null : state with { LimitOwner = _self, LimitLevel = null };

    /// <summary>The row with the level, and without an owner; the same row when this activation does not own the bucket.</summary>
    public ClientState Release(ClientState state) =>
        _isClaimed && _rate is { } rate && state.LimitOwner == _self
            ? state with { LimitOwner = null, LimitLevel = rate.Level(Monotonic, _arrival) }
            : state;
}
