using System.Net.Sockets;

namespace AuthCluster.Contracts.Cluster;

/// <summary>How a call to a grain or a silo fails when what it asked is not to blame.</summary>
public static class CallFailures
{
    /// <summary>Whether a call failed on its way, so that the same may be asked again.</summary>
    /// <remarks>
    /// Any of Orleans' own exceptions: its directory refuses with the plain one, and with no better name, while silos do not agree yet on who
    /// has died; and a call whose link breaks is given what broke it. Exceptions that a grain throws of itself are of other types.
    /// </remarks>
    /// <param name="exception">What the call ended with.</param>
    /// <param name="cancellationToken">The caller's own: what it cancelled has not failed.</param>
    public static bool IsOnTheWay(Exception exception, CancellationToken cancellationToken) =>
        exception is OrleansException or TimeoutException or IOException or SocketException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
