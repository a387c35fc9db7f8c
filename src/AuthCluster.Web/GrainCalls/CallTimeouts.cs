namespace AuthCluster.Web.GrainCalls;

/// <summary>How long one attempt of a call is waited for before the same is asked again.</summary>
/// <param name="Quick">For calls that a grain answers from memory or after one read.</param>
/// <param name="Slow">For calls that write, and for what administrators read.</param>
/// <param name="Change">For changes of administrators, whose grain waits until they hold everywhere for as long as the attempt lasts.</param>
/// <remarks>
/// <para>Orleans ends a call whose silo is declared dead, but not every such call. A silo that learns of the death later than the calling
/// silo may have forwarded the call to the dead one. And a front end without a silo does not learn what became of the calls that went
/// through a gateway which was killed or hangs. Such calls would last until their time-out. An attempt that is given up may still be
/// counted.</para>
/// <para>In every role an attempt ends with its request's deadline, whatever became of the silo.</para>
/// </remarks>
public sealed record CallTimeouts(AttemptTimeout Quick, AttemptTimeout Slow, AttemptTimeout Change)
{
    private static readonly TimeSpan QuickFirst = TimeSpan.FromSeconds(1);

    // Until a hung silo is declared dead, every attempt waits in vain; the last one waits beyond that moment.
    private static readonly TimeSpan QuickRepeat = TimeSpan.FromMilliseconds(750);

    // A write that is given up goes on in its grain, and the next attempt waits behind it. So each attempt may last as long as a slow write.
    private static readonly TimeSpan SlowRepeat = TimeSpan.FromSeconds(3);

    // A change waits for the proof that a silo has ended, which mostly comes within four seconds of its death; and a grain needs up to 5.2 s
    // to say that storage does not answer, or the next attempt would wait behind this one and might still be carried out after a 503. The rest is
    // enough for a second attempt where the first call was lost: leases last a second. A repeat may wait as long, for it is mostly the death of a silo
    // that made the first attempt fail.
    private static readonly TimeSpan ChangeAttempt = TimeSpan.FromSeconds(5.5);

    /// <summary>
    /// Orleans' own time-out of a call, in every role, where the call has none of its own. Longer than it takes until a hung silo is
    /// declared dead, which ends the calls to it; and short enough that a first attempt, which is waited for without a timer of
    /// its own, ends within the deadline.
    /// </summary>
    public static TimeSpan ResponseTimeout { get; } = TimeSpan.FromSeconds(6.5);

    /// <summary>How long a request goes on asking.</summary>
    internal static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(8);

    /// <summary>When Orleans has ended a call at the latest: it looks once a second for those that took too long.</summary>
    internal static TimeSpan OrleansEndsWithin { get; } = ResponseTimeout + TimeSpan.FromSeconds(1);

    /// <summary>For a front end in the process of a silo: it waits for a first attempt as long as Orleans does.</summary>
    public static CallTimeouts ForSilo { get; } = new(
        new AttemptTimeout(null, QuickRepeat), new AttemptTimeout(null, SlowRepeat), new AttemptTimeout(ResponseTimeout, ChangeAttempt));

    /// <summary>For a front end without a silo: the second attempt, by another gateway, is answered within two seconds of a kill.</summary>
    public static CallTimeouts ForFrontEnd { get; } = new(
        new AttemptTimeout(QuickFirst, QuickRepeat), new AttemptTimeout(SlowRepeat, SlowRepeat), new AttemptTimeout(ChangeAttempt, ChangeAttempt));
}

/// <summary>How long each attempt of one call is waited for.</summary>
/// <param name="First">The longest for the first attempt; null for Orleans' own time-out of the call.</param>
/// <param name="Again">The longest for each that follows a failure.</param>
public sealed record AttemptTimeout(TimeSpan? First, TimeSpan Again)
{
    /// <summary>Until the request's deadline, for work that a second attempt would only make longer.</summary>
    public static AttemptTimeout ByDeadline { get; } = new(null, TimeSpan.MaxValue);

    private static readonly TimeSpan WayBack = TimeSpan.FromSeconds(0.3);

    /// <summary>
    /// Within what time the grain has to answer one attempt. It is always less than the attempt is waited for: who gives up an attempt
    /// that still waits for proof loses a good answer, and the next attempt has to wait behind it.
    /// </summary>
    /// <param name="failures">How many attempts have failed before.</param>
    /// <param name="left">Until the request's deadline, more than zero.</param>
    internal TimeSpan AnswerWithin(int failures, TimeSpan left)
    {
        var wait = Min(WaitFor(failures, left), CallTimeouts.ResponseTimeout);
        // What made the first attempt fail also makes answers slow: a silo that hangs, a machine without a free processor.
        var wayBack = failures > 0 && wait / 4 > WayBack ? wait / 4 : WayBack;
        return wait > 2 * wayBack ? wait - wayBack : wait / 2;
    }

    /// <summary>Waits for one attempt.</summary>
    /// <param name="call">The call.</param>
    /// <param name="failures">How many attempts have failed before.</param>
    /// <param name="left">Until the request's deadline.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="TimeoutException">It was not answered in time.</exception>
    internal Task<T> WaitAsync<T>(Task<T> call, int failures, TimeSpan left, TimeProvider clock)
    {
        var wait = WaitFor(failures, left);
        return call.IsCompleted || wait >= CallTimeouts.OrleansEndsWithin
            ? call
            : call.WaitAsync(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, clock);
    }

    private TimeSpan WaitFor(int failures, TimeSpan left) => (failures == 0 ? First : Again) is { } longest ? Min(longest, left) : left;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
