namespace AuthCluster.Web.Cluster;

/// <summary>How long one try of a decision is waited for before it is asked again.</summary>
/// <param name="Most">The longest; null where Orleans itself ends a call whose silo is declared dead.</param>
/// <remarks>
/// A front end apart from the silos is not told what became of the calls that went through a gateway which was
/// killed or hangs: they would last until their time-out. A try that is given up may still be counted.
/// </remarks>
public sealed record CallBound(TimeSpan? Most)
{
    /// <summary>For a front end without a silo: the second try, by another gateway, is answered within two seconds of a kill.</summary>
    public static CallBound ForFrontEnd { get; } = new(TimeSpan.FromSeconds(1));

    /// <summary>Waits for a call.</summary>
    /// <exception cref="TimeoutException">It was not answered in time.</exception>
    internal Task<T> WaitAsync<T>(Task<T> call, TimeProvider clock) =>
        Most is { } most && !call.IsCompleted ? call.WaitAsync(most, clock) : call;
}
