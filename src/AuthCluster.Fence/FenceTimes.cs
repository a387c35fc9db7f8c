namespace AuthCluster.Fence;

/// <summary>The durations of the fence. All count on monotonic clocks.</summary>
public sealed record FenceTimes
{
    /// <summary>A moment before all others.</summary>
    public static readonly TimeSpan Never = TimeSpan.FromDays(-100_000);

    /// <summary>How long one good reading of the membership lets a silo decide, from the moment at which the reading began.</summary>
    public TimeSpan Term { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a silo that can't read the membership goes on deciding, from the beginning of its last good reading.</summary>
    public TimeSpan OutageGrace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a silo reads the membership.</summary>
    public TimeSpan ReadEvery => Term / 4;

    /// <summary>After this a reading without an answer has failed.</summary>
    public TimeSpan ReadTimeout => Term * 0.3;

    /// <summary>How long a lease lasts at most.</summary>
    public TimeSpan LeaseTerm { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>By how much a duration that another machine has granted is stretched, since no two clocks run equally fast.</summary>
    public double Stretch { get; init; } = 1.01;

    /// <summary>Longer than the time between the stamp of a death and the moment at which readers see it.</summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>After this a silo that has not acknowledged is asked again.</summary>
    public TimeSpan AskAgainAfter { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>State from a load or a write that took longer than this is not used.</summary>
    public TimeSpan LoadDeadline { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>How long a silo remembers which versions it must not use any more. Longer than <see cref="LoadDeadline"/>.</summary>
    public TimeSpan FloorKept { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A write waits for so long, within its deadline, for the proof that a silo which has died lately has ended. Longer than the way of a proof:
    /// <see cref="EndProofDelay"/>, and a reading each by which the proving silo sees the death, stores the end, and the writer sees that.
    /// </summary>
    public TimeSpan DeathPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For how long after its death a silo may decide, or its leases may last, as others must assume.</summary>
    /// <param name="grace">The longest outage grace of any silo.</param>
    public TimeSpan DecidesAfterDeath(TimeSpan grace) => Stretched(grace > Term ? grace : Term) + Margin;

    /// <summary>For how long after its death a silo may spend from a rate limit, as others must assume.</summary>
    public TimeSpan SpendsAfterDeath => Stretched(2 * Term) + Margin;

    /// <summary>From the end of a process, or an earlier moment that proves it, to the moment at which no lease of it lasts any more.</summary>
    public TimeSpan EndProofDelay => Stretched(Term) + Margin;

    /// <summary>A duration that another machine has granted, as this machine must count it.</summary>
    public TimeSpan Stretched(TimeSpan granted) => granted * Stretch;
}
