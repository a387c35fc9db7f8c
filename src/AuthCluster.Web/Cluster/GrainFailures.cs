namespace AuthCluster.Web.Cluster;

/// <summary>How long a request goes on asking, and how often, while calls fail on their way.</summary>
internal static class GrainFailures
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(160);

    /// <summary>How long a request goes on asking.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    /// <summary>
    /// How long to wait before the same question is asked again. Each time twice as long up to a bound: a silo that is gone
    /// and not yet declared dead refuses at once, and all who wait for it would keep the processors busy with that.
    /// </summary>
    /// <param name="failures">How often it has failed, this time included.</param>
    public static TimeSpan PauseAfter(int failures) =>
        failures > 4 ? LongestPause : FirstPause * (1 << (failures - 1));
}
