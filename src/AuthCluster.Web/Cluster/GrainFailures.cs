using System.Net.Sockets;

namespace AuthCluster.Web.Cluster;

/// <summary>Which failures of a call say that its silo is gone, so that the grain's next activation may be asked the same.</summary>
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

    /// <summary>Whether the same question may be asked again.</summary>
    /// <remarks>
    /// Any of Orleans' own exceptions: its directory refuses with the plain one, and with no better name, while silos do not agree yet on who
    /// has died; and a call whose link breaks is given what broke it. What a grain threw itself is none of these.
    /// </remarks>
    /// <param name="e">What the call ended with.</param>
    /// <param name="cancellationToken">The caller's: what it cancelled is not asked again.</param>
    public static bool IsRepeatable(Exception e, CancellationToken cancellationToken) =>
        e is OrleansException or TimeoutException or IOException or SocketException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
