using System.Net;
using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Distinguishes a caller on this machine from a caller behind a proxy on this machine, whose connection comes from loopback too. A
/// request that was forwarded, or that names another host, comes from elsewhere.
/// </summary>
internal static class LoopbackCaller
{
    /// <summary>Prefixes of headers that proxies add. A header that ASP.NET has applied gets the prefix <c>X-Original-</c>.</summary>
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-", "X-Envoy-", "CF-"];

    private static readonly string[] Names =
        ["Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "Fastly-Client-IP", "X-ProxyUser-Ip", "CDN-Loop"];

    /// <summary>Whether the request comes from this machine itself, as far as the request shows.</summary>
    public static bool Is(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !context.Request.Headers.Keys.Any(IsOfProxy)
        && context.Request.Host.Host is var host && (host.Length == 0 || LoopbackHost.Is(host));

    private static bool IsOfProxy(string header) =>
        Array.Exists(Prefixes, prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        || Names.Contains(header, StringComparer.OrdinalIgnoreCase);
}
