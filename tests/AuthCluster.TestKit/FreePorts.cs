using System.Net;
using System.Net.Sockets;

namespace AuthCluster.TestKit;

/// <summary>Hands out TCP ports that nothing listens on, each to one caller, also among test processes that run at the same time.</summary>
/// <remarks>
/// Ports come from below the range that Linux gives to outgoing connections (32768 and up), so that a connection of the test
/// itself never takes one between the moment it is chosen and the moment the server binds it.
/// A locked file for each port, held until this process ends, keeps other test processes away.
/// </remarks>
public static class FreePorts
{
    private const int First = 20_000;
    private const int Count = 12_000;

    private static readonly Lock Gate = new();
    private static readonly List<FileStream> Claims = [];
    private static readonly string ClaimFolder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "authcluster-test-ports")).FullName;
    private static int _next = Random.Shared.Next(Count);

    /// <summary>One free port.</summary>
    public static int Take()
    {
        lock (Gate)
        {
            for (var tried = 0; tried < Count; tried++)
            {
                var port = First + (_next++ % Count);
                if (TryClaim(port) && IsFree(port))
                {
                    return port;
                }
            }
        }

        throw new InvalidOperationException("No free TCP port was found.");
    }

    /// <summary>Whether nothing listens on the port, on either loopback address.</summary>
    public static bool IsFree(int port) => CanBind(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanBind(IPAddress.IPv6Loopback, port));

    private static bool TryClaim(int port)
    {
        try
        {
            Claims.Add(new FileStream(Path.Combine(ClaimFolder, $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool CanBind(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException refused)
        {
            // A machine without that loopback address has nothing listening there either.
            return refused.SocketErrorCode == SocketError.AddressNotAvailable;
        }
    }
}
