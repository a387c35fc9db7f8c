using AuthCluster.Fence;

namespace AuthCluster.Grains.Fencing;

/// <summary>The answers of the fence as they go to front ends.</summary>
internal static class FencedAnswers
{
    // A living silo that does not acknowledge is declared dead within some seconds, or answers.
    private static readonly TimeSpan UntilAcknowledged = TimeSpan.FromSeconds(5);

    /// <summary>Null for a write that holds everywhere; else for how long a silo may still decide by an older state, as far as is known.</summary>
    public static TimeSpan? UnconfirmedFor(FenceAnswer answer) =>
        answer.Outcome == FenceOutcome.NotEverywhere ? answer.Unconfirmed.Max(silo => silo.For ?? UntilAcknowledged) : null;
}
