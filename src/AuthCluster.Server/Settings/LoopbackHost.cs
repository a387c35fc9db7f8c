using System.Net;

namespace AuthCluster.Server.Settings;

/// <summary>Whether a host is this machine by its name or its address alone; no name is looked up.</summary>
internal static class LoopbackHost
{
    /// <summary>Whether it is <c>localhost</c> or a loopback address, an IPv6 address with or without brackets.</summary>
    public static bool Is(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
