namespace AuthCluster.FenceTests.Simulation;

/// <summary>
/// A mistake that the simulated product makes. Each leaves out or changes one rule, at the boundary of the core: by what it is told, by how
/// its answers are obeyed, or by other durations. The core itself has no switches.
/// </summary>
internal enum Mistake
{
    None,

    // The right to decide.
    MandateFromTheReturn,
    NoMandate,
    OwnDeathIgnored,
    LoadsBeforeActive,
    JoiningSilosDecide,
    NoOutageRule,
    OutageAsAMode,
    NoOutageGrace,
    GraceFromTheFirstFailure,

    // Proofs of ends.
    EndedAtOnceByItself,
    EndedAtOnceBySuccessor,
    EndedAtOnceByRefusedConnection,
    EndedAtOnceByOperator,

    // Voids and copies.
    NoFloor,
    MarksIgnored,
    FloorKeptTooShort,
    ReturnsUnchecked,
    LoadsWithoutDeadline,
    LeaseComputedBeforeMarking,
    AcknowledgedBeforeMarking,

    // Writes.
    OldView,
    ReadingBegunBeforeTheReturn,
    OwnSiloNotVoid,
    MajorityOfAnswers,
    GivenUpAfterThree,
    TheDeadIgnored,
    TheDeadWaitedForOneTerm,
    OwnGraceTakenForTheLongest,
    OnlyTheDeadThatLivedAtTheReading,
    LeasesNotWaitedFor,
    NothingIsStretched,
    AgeFromTheReadingsStart,
    WithoutCompareAndSwap,
    NoChangeStoresNothing,
    NoChangeReadsAgain,
    NoTombstone,
    UnknownTakenForSuccess,

    // Leases.
    LeaseOutlastsTheRight,
    LeaseKeptInTheActivation,
    LeaseCountedFromReceipt,
    LeaseUnstretchedByTheSilo,

    // Limits.
    AnyPeerAnswers,
    AnyPeerAnswersAndClaimWaitsForOneTerm,
    ClaimWaitsForOneTerm,
    SpendsUntilTheGraceEnds,
    ClaimIgnoresTheDead,
    ClaimUnconfirmed,
    BucketBeginsFull,
    OwnerIsTheSilo,
}
