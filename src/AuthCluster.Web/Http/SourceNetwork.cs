using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Http;

/// <summary>Where a request comes from.</summary>
internal static class SourceNetwork
{
    /// <summary>The caller's address, for the log.</summary>
    public static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";

    /// <summary>The source network for sharing out slow hashes: an IPv4 /24 or an IPv6 /64, so that one machine's many addresses count as one.</summary>
    public static string Of(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
        {
            return "";
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length)
            ? Convert.ToHexString(bytes[..(address.AddressFamily == AddressFamily.InterNetwork ? 3 : Math.Min(8, length))])
            : "";
    }
}
