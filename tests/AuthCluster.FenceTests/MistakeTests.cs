using AuthCluster.FenceTests.Simulation;

namespace AuthCluster.FenceTests;

/// <summary>
/// The simulation sees each rule of the fence: a product that leaves it out, or changes it, is caught. Each row searches from the first seed on
/// and stops at the first run that breaks the invariant.
/// </summary>
public sealed class MistakeTests(ITestOutputHelper output)
{
    private const int MostRuns = 30_000;

    [Theory]
    [InlineData(nameof(Mistake.MandateFromTheReturn), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.NoMandate), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OwnDeathIgnored), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.LoadsBeforeActive), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.JoiningSilosDecide), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.NoOutageGrace), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.GraceFromTheFirstFailure), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.EndedAtOnceByItself), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.EndedAtOnceBySuccessor), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.EndedAtOnceByRefusedConnection), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.EndedAtOnceByOperator), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.NoFloor), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.MarksIgnored), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.FloorKeptTooShort), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.ReturnsUnchecked), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.LoadsWithoutDeadline), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.LeaseComputedBeforeMarking), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.AcknowledgedBeforeMarking), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OldView), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.ReadingBegunBeforeTheReturn), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OwnSiloNotVoid), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.MajorityOfAnswers), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.GivenUpAfterThree), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.TheDeadIgnored), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.TheDeadWaitedForOneTerm), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OwnGraceTakenForTheLongest), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OnlyTheDeadThatLivedAtTheReading), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OnlyTheLatestReadingCounts), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.LeasesNotWaitedFor), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.NothingIsStretched), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.AgeFromTheReadingsStart), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.NoTombstone), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.LeaseOutlastsTheRight), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.LeaseKeptInTheActivation), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.LeaseCountedFromReceipt), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.LeaseUnstretchedByTheSilo), nameof(Mix.Focused))]
    public void A_decision_against_an_answered_write_is_seen(string mistake, string mix) => AssertSeen(mistake, mix, Invariant.AnsweredWriteHolds);

    [Theory]
    [InlineData(nameof(Mistake.WithoutCompareAndSwap), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.NoChangeStoresNothing), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.NoChangeReadsAgain), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.NoTombstone), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.UnknownTakenForSuccess), nameof(Mix.Random))]
    public void An_acknowledged_write_that_is_lost_is_seen(string mistake, string mix) => AssertSeen(mistake, mix, Invariant.AcknowledgedWriteIsKept);

    [Theory]
    [InlineData(nameof(Mistake.NoOutageRule), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.OutageAsAMode), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.LoadsWithoutDeadline), nameof(Mix.Random))]
    public void A_gap_is_seen(string mistake, string mix) => AssertSeen(mistake, mix, Invariant.DecisionsHaveNoGap);

    [Theory]
    [InlineData(nameof(Mistake.AnyPeerAnswers), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.AnyPeerAnswersAndClaimWaitsForOneTerm), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.ClaimWaitsForOneTerm), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.SpendsUntilTheGraceEnds), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.ClaimIgnoresTheDead), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.OnlyTheLatestReadingCounts), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.ClaimUnconfirmed), nameof(Mix.Focused))]
    [InlineData(nameof(Mistake.BucketBeginsFull), nameof(Mix.Random))]
    [InlineData(nameof(Mistake.OwnerIsTheSilo), nameof(Mix.Random))]
    public void A_limit_that_is_spent_twice_is_seen(string mistake, string mix) => AssertSeen(mistake, mix, Invariant.OneActivationSpends);

    [Fact]
    public void Every_mistake_has_a_row()
    {
        var rows = GetType().GetMethods()
            .SelectMany(test => test.GetCustomAttributes(typeof(InlineDataAttribute), false))
            .Select(row => (string)((InlineDataAttribute)row).Data[0]!);

        Assert.Empty(Enum.GetNames<Mistake>().Except(rows).Except([nameof(Mistake.None)]));
    }

    private void AssertSeen(string mistake, string mix, Invariant invariant)
    {
        var (violation, coverage) = Simulator.Run(Enum.Parse<Mix>(mix), 1, MostRuns, Enum.Parse<Mistake>(mistake), invariant);

        output.WriteLine($"{coverage.Runs} runs: {violation}");
        Assert.NotNull(violation);
    }
}
