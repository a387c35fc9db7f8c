using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>The durations of the simulated silos: shorter than the product's, so that a run is short, and in like proportions.</summary>
internal static class SimTimes
{
    public static readonly FenceTimes Sound = new()
    {
        Term = TimeSpan.FromSeconds(1),
        LeaseTerm = TimeSpan.FromSeconds(1),
        Margin = TimeSpan.FromSeconds(0.03),
        LoadDeadline = TimeSpan.FromSeconds(2),
        FloorKept = TimeSpan.FromSeconds(3),
    };

    private static readonly FenceTimes Unstretched = Sound with { Stretch = 1, Margin = TimeSpan.Zero };

    /// <summary>What a silo goes by for its right to decide.</summary>
    public static FenceTimes ForMandate(Mistake mistake, TimeSpan grace) => Sound with
    {
        OutageGrace = mistake switch
        {
            Mistake.NoOutageGrace => TimeSpan.FromDays(1),
            // At most so much later than the last good reading does the first one that fails begin.
            Mistake.GraceFromTheFirstFailure => grace + Sound.ReadEvery,
            _ => grace,
        },
    };

    /// <summary>What a silo goes by for its copies and leases.</summary>
    public static FenceTimes ForCopies(Mistake mistake) => mistake switch
    {
        Mistake.NoFloor => Sound with { FloorKept = TimeSpan.Zero },
        Mistake.FloorKeptTooShort => Sound with { FloorKept = TimeSpan.FromSeconds(0.5) },
        Mistake.LoadsWithoutDeadline => Sound with { LoadDeadline = TimeSpan.FromHours(1) },
        Mistake.LeaseUnstretchedByTheSilo => Sound with { Stretch = 1 },
        Mistake.NothingIsStretched => Unstretched,
        _ => Sound,
    };

    /// <summary>What a write goes by.</summary>
    public static FenceTimes ForWrite(Mistake mistake, WriteKind kind) => (mistake, kind) switch
    {
        (Mistake.NothingIsStretched, _) => Unstretched,
        (Mistake.ClaimWaitsForOneTerm or Mistake.AnyPeerAnswersAndClaimWaitsForOneTerm, WriteKind.Claim) => Sound with { Term = Sound.Term / 2 },
        (Mistake.ClaimIgnoresTheDead, WriteKind.Claim) => Sound with { Term = TimeSpan.Zero, Margin = TimeSpan.Zero },
        _ => Sound,
    };
}
