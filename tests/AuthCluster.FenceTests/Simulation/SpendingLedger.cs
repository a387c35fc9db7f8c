namespace AuthCluster.FenceTests.Simulation;

/// <summary>What is spent from the limit, by whom: whether two activations spend, or more than the limit (I4).</summary>
internal sealed class SpendingLedger(World world)
{
    private const double Capacity = SimBucket.Capacity + (World.FrontEndCount * SimBucket.Block);

    // The bucket of the fastest clock.
    private const double PerSecond = SimBucket.PerSecond * (1 + World.ClockError + 0.0003);

    private double _left = Capacity;
    private TimeSpan _filledAt;
    private int _confirmedClaim;
    private int _confirmedActivation;
    private bool _hasBlindResidue;
    private bool _hasLoneResidue;

    public void Confirmed(int activation, int claim)
    {
        if (claim > _confirmedClaim)
        {
            (_confirmedActivation, _confirmedClaim) = (activation, claim);
        }
    }

    public void Spent(int activation, int claim, int permits, SpendingRight right)
    {
        world.Coverage.Spends++;
        world.Coverage.SpendsInOutage += right == SpendingRight.OwnReading ? 0 : 1;
        _left = Math.Min(Capacity, _left + ((world.Now - _filledAt).TotalSeconds * PerSecond)) - permits;
        _filledAt = world.Now;
        if (activation != _confirmedActivation && claim <= _confirmedClaim)
        {
            _hasBlindResidue |= right == SpendingRight.PeerThatIsBlind;
            _hasLoneResidue |= right == SpendingRight.KnewNobody;
            if (right is not (SpendingRight.PeerThatIsBlind or SpendingRight.KnewNobody))
            {
                world.Judge.Break(
                    Invariant.OneActivationSpends,
                    $"activation {activation} spends by claim {claim} ({right}), and claim {_confirmedClaim} of activation {_confirmedActivation} is confirmed");
            }
        }

        if (_left < -1e-6 && !_hasBlindResidue && !_hasLoneResidue)
        {
            world.Judge.Break(Invariant.OneActivationSpends, $"{-_left:0.00} more is spent than the limit allows");
        }
    }

    public void CountResidues()
    {
        world.Coverage.BlindResidues += _hasBlindResidue ? 1 : 0;
        world.Coverage.LoneResidues += _hasLoneResidue ? 1 : 0;
    }
}
