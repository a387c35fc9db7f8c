using System.Net.Sockets;

namespace AuthCluster.Contracts.Cluster;

/// <summary>How a call to a grain or a silo fails when the request itself is not the cause.</summary>
public static class CallFailures
{
    /// <summary>Whether a call failed on its way, so that it may be repeated.</summary>
    /// <remarks>
    /// All of Orleans' own exceptions count: its directory throws the base type while silos do not agree yet on which of them has died, and a call
    /// whose connection breaks ends with what broke it. Exceptions that a grain itself throws have other types.
    /// </remarks>
    /// <param name="exception">What the call ended with.</param>
    /// <param name="cancellationToken">The caller's own token: a call that the caller cancelled has not failed.</param>
    public static bool IsOnTheWay(Exception exception, CancellationToken cancellationToken) =>
        exception is OrleansException or TimeoutException or IOException or SocketException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
