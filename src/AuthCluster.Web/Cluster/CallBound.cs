namespace AuthCluster.Web.Cluster;

/// <summary>How long one try of a call is waited for before the same is asked again.</summary>
/// <param name="Quick">The longest, for what is decided from memory or after one read; null where Orleans itself ends a call whose silo is declared dead.</param>
/// <param name="Slow">The longest, for what writes, and for what an administrator asks; null as above.</param>
/// <remarks>
/// <para>A front end apart from the silos is not told what became of the calls that went through a gateway which was
/// killed or hangs: they would last until their time-out. A try that is given up may still be counted.</para>
/// <para>In every role a try ends with its request's deadline, whatever became of the silo.</para>
/// </remarks>
public sealed record CallBound(TimeSpan? Quick, TimeSpan? Slow)
{
    // Orleans looks once a second for calls that took too long.
    private static readonly TimeSpan OrleansLooksEvery = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Orleans' own time-out of a call, in every role. Longer than it takes until a hung silo is declared dead, which ends
    /// the calls to it; and short enough that a first try, which is waited for without a timer of its own, ends within the deadline.
    /// </summary>
    public static TimeSpan ResponseTimeout { get; } = TimeSpan.FromSeconds(6.5);

    /// <summary>For a front end beside its own silo.</summary>
    public static CallBound ForSilo { get; } = new(null, null);

    /// <summary>
    /// For a front end without a silo: the second try, by another gateway, is answered within two seconds of a kill. A write
    /// that is given up goes on in its grain and makes the next wait for it, so it is given the time of a slow one.
    /// </summary>
    public static CallBound ForFrontEnd { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3));

    /// <summary>Waits for one try.</summary>
    /// <param name="call">The call.</param>
    /// <param name="most">One of this record's bounds.</param>
    /// <param name="left">Until the request's deadline.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="TimeoutException">It was not answered in time.</exception>
    internal static Task<T> WaitAsync<T>(Task<T> call, TimeSpan? most, TimeSpan left, TimeProvider clock)
    {
        var wait = most < left ? most.Value : left;
        return call.IsCompleted || wait >= ResponseTimeout + OrleansLooksEvery
            ? call
            : call.WaitAsync(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, clock);
    }
}
