namespace AuthCluster.FenceTests.Simulation;

/// <summary>
/// A mistake that the simulated product makes. Each leaves out or changes one rule of the fence, at the boundary of its core: the core is told
/// something false, is disobeyed, or goes by other durations. The core has no switches for mistakes.
/// </summary>
/// <remarks>
/// One rule can be broken only inside the core, so that it is not here: a void of an older version that lowers the floor.
/// <c>SiloFenceTests</c> has it.
/// </remarks>
internal enum Mistake
{
    None,

    // ---- The right to decide.

    /// <summary>A good reading counts from when it returned.</summary>
    MandateFromTheReturn,

    /// <summary>Silos decide by whatever copy is current.</summary>
    NoMandate,

    /// <summary>A silo does not see in its readings that it is dead.</summary>
    OwnDeathIgnored,

    /// <summary>A silo loads before it has found itself active.</summary>
    LoadsBeforeActive,

    /// <summary>A silo takes itself for active while it joins.</summary>
    JoiningSilosDecide,

    /// <summary>A failed reading gives nothing.</summary>
    NoOutageRule,

    /// <summary>A failed reading gives something only when the right has ended already.</summary>
    OutageAsAMode,

    /// <summary>A silo that can't read goes on for ever.</summary>
    NoOutageGrace,

    /// <summary>The outage grace counts from the first reading that fails.</summary>
    GraceFromTheFirstFailure,

    // ---- Proofs of ends.

    /// <summary>A silo that stops tells that it has ended while its leases last.</summary>
    EndedAtOnceByItself,

    /// <summary>So does one that takes the place of another.</summary>
    EndedAtOnceBySuccessor,

    /// <summary>So does one whose connection is refused.</summary>
    EndedAtOnceByRefusedConnection,

    /// <summary>So does an operator.</summary>
    EndedAtOnceByOperator,

    // ---- Voids and copies.

    /// <summary>A silo does not remember what was voided.</summary>
    NoFloor,

    /// <summary>A marked copy goes on deciding.</summary>
    MarksIgnored,

    /// <summary>A silo forgets what was voided while loads that began before are under way.</summary>
    FloorKeptTooShort,

    /// <summary>What a write returns is used though something newer was voided meanwhile.</summary>
    ReturnsUnchecked,

    /// <summary>A load may take as long as it likes.</summary>
    LoadsWithoutDeadline,

    /// <summary>The leases are computed before the copies are marked, and a lease is granted between.</summary>
    LeaseComputedBeforeMarking,

    /// <summary>A silo acknowledges before it marks.</summary>
    AcknowledgedBeforeMarking,

    // ---- Writes.

    /// <summary>The write takes the last periodic reading for its first.</summary>
    OldView,

    /// <summary>The first reading begins before the write is stored.</summary>
    ReadingBegunBeforeTheReturn,

    /// <summary>The writing silo does not void its own copies.</summary>
    OwnSiloNotVoid,

    /// <summary>More than half of the acknowledgements are enough.</summary>
    MajorityOfAnswers,

    /// <summary>A silo that was asked three times is taken for gone.</summary>
    GivenUpAfterThree,

    /// <summary>Dead silos are taken for gone.</summary>
    TheDeadIgnored,

    /// <summary>Dead silos are waited for as long as a term, not as long as the grace.</summary>
    TheDeadWaitedForOneTerm,

    /// <summary>The writer waits for as long as its own grace is, though that of others is longer.</summary>
    OwnGraceTakenForTheLongest,

    /// <summary>Silos that were dead already at the first reading are taken for gone.</summary>
    OnlyTheDeadThatLivedAtTheReading,

    /// <summary>
    /// A silo that the first reading found dead is forgotten when a later reading, which the database answered earlier, finds it active.
    /// </summary>
    OnlyTheLatestReadingCounts,

    /// <summary>Leases that last are not waited for.</summary>
    LeasesNotWaitedFor,

    /// <summary>All clocks are taken to run equally fast, and deaths to be visible at once.</summary>
    NothingIsStretched,

    /// <summary>The age of a death counts from when the reading began.</summary>
    AgeFromTheReadingsStart,

    /// <summary>The database stores a write whatever version is there.</summary>
    WithoutCompareAndSwap,

    /// <summary>A write that changes nothing is answered from the copy and not stored.</summary>
    NoChangeStoresNothing,

    /// <summary>A write that changes nothing reads the row again, and is not stored.</summary>
    NoChangeReadsAgain,

    /// <summary>The versions of a client begin again when it is deleted and created.</summary>
    NoTombstone,

    /// <summary>A write of unknown outcome is taken for stored.</summary>
    UnknownTakenForSuccess,

    // ---- Leases.

    /// <summary>A lease lasts beyond the right of the silo that grants it.</summary>
    LeaseOutlastsTheRight,

    /// <summary>A lease is forgotten with the activation that granted it.</summary>
    LeaseKeptInTheActivation,

    /// <summary>The front end counts a lease from when it arrived.</summary>
    LeaseCountedFromReceipt,

    /// <summary>The silo remembers a lease for as long as it granted it, on its own clock.</summary>
    LeaseUnstretchedByTheSilo,

    // ---- Limits.

    /// <summary>A silo answers another though it may not decide, or has read the other's death.</summary>
    AnyPeerAnswers,

    /// <summary>The same, and claims wait for the dead for one term, not two.</summary>
    AnyPeerAnswersAndClaimWaitsForOneTerm,

    /// <summary>A claim waits for the dead for one term, not two.</summary>
    ClaimWaitsForOneTerm,

    /// <summary>A silo spends as long as it decides.</summary>
    SpendsUntilTheGraceEnds,

    /// <summary>A claim does not wait for the dead.</summary>
    ClaimIgnoresTheDead,

    /// <summary>A claim counts as soon as it is stored.</summary>
    ClaimUnconfirmed,

    /// <summary>The bucket begins full.</summary>
    BucketBeginsFull,

    /// <summary>The row names the silo as the owner, not the activation.</summary>
    OwnerIsTheSilo,
}
