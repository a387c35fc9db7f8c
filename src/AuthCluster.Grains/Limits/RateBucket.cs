using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Grains.Limits;

/// <summary>
/// The bucket of one client's rate limit in the memory of its activation. Only the activation that the row names as the owner spends from it.
/// It starts at the level that a clean deactivation stored, or empty when the last owner stored none.
/// </summary>
internal sealed class RateBucket(TimeProvider clock)
{
    // Elapsed times go through a double, which is exact for days but not for decades: so measure from the activation.
    private readonly long _origin = clock.GetTimestamp();

    private string _self = "";
    private RateLimit? _rate;
    private bool _isEnforced;
    private bool _isClaimed;
    private bool _isConfirmed;
    private bool _startsEmpty;
    private bool _hasLevel;
    private TheoreticalArrival _arrival;

    /// <summary>The limit; null for none.</summary>
    public RateLimit? Rate => _rate;

    /// <summary>Whether tokens over the limit are refused, not only counted.</summary>
    public bool IsEnforced => _isEnforced;

    /// <summary>Whether the row must name this activation, and every silo must know it, before anything is spent.</summary>
    public bool MustBeClaimed => _rate is not null && _isEnforced && !(_isClaimed && _isConfirmed);

    /// <summary>Whether a deactivation has a level to store.</summary>
    public bool HasUnsavedState => _isClaimed && _isConfirmed && _rate is not null;

    private TimeSpan Monotonic => clock.GetElapsedTime(_origin);

    /// <summary>Loads what is stored.</summary>
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
            _isConfirmed = false;
            _isEnforced = false;
            return;
        }

        var rate = new RateLimit(limit.TokensPerSecond, limit.Burst);
        var ownedByAnother = state.LimitOwner is not null && state.LimitOwner != self;
        if (!_hasLevel || (limit.Enforce && state.LimitOwner != self))
        {
            // Others may have spent the level that this activation remembers: one that owns the bucket now, or one that owned it and stored what it left.
            var level = ownedByAnother ? 0 : Math.Min(state.LimitLevel ?? limit.Burst, limit.Burst);
            var remembered = _hasLevel && _rate is { } before ? before.Level(Monotonic, _arrival) : level;
            _arrival = rate.ArrivalAtLevel(Monotonic, Math.Min(level, remembered));
            _hasLevel = true;
            _startsEmpty = ownedByAnother;
        }
        else if (_rate is { } old && rate != old)
        {
            // A changed limit keeps the level, up to the new burst.
            _arrival = rate.ArrivalAtLevel(Monotonic, Math.Min(old.Level(Monotonic, _arrival), limit.Burst));
        }

        _rate = rate;
        _isEnforced = limit.Enforce;
        _isClaimed = state.LimitOwner == self;
        _isConfirmed &= _isClaimed;
    }

    /// <summary>
    /// Notes that no other activation spends from the bucket any more. Where another one may have spent until now, the bucket starts empty.
    /// </summary>
    /// <returns>False when another activation has claimed the bucket meanwhile.</returns>
    public bool Confirm()
    {
        if (!_isClaimed || _rate is not { } rate)
        {
            return false;
        }

        if (_startsEmpty)
        {
            _arrival = rate.ArrivalAtLevel(Monotonic, 0);
            _startsEmpty = false;
        }

        _isConfirmed = true;
        return true;
    }

    /// <summary>Decides one token without spending it; null when there is no limit.</summary>
    public RateDecision? Decide() => _rate?.Decide(Monotonic, _arrival);

    /// <summary>Spends the token of the last decision.</summary>
    public void Spend(RateDecision allowed) => _arrival = allowed.NewTheoreticalArrival;

    /// <summary>The row with this activation as the owner; null when it is the owner already.</summary>
    public ClientState? Claim(ClientState state) =>
        state.LimitOwner == _self ? null : state with { LimitOwner = _self, LimitLevel = null };

    /// <summary>The row with the level and without an owner; the same row when this activation is not the owner.</summary>
    public ClientState Release(ClientState state) =>
        _isClaimed && _isConfirmed && _rate is { } rate && state.LimitOwner == _self
            ? state with { LimitOwner = null, LimitLevel = rate.Level(Monotonic, _arrival) }
            : state;
}
