using System.Net;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Tells a caller on this machine from one behind a proxy on this machine, whose connection comes from loopback too. A request that
/// was forwarded, or that asks for another host, comes from elsewhere.
/// </summary>
internal static class LoopbackCaller
{
    /// <summary>Headers that proxies add. ASP.NET moves those that it has applied to <c>X-Original-</c>.</summary>
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-", "X-Envoy-", "CF-"];

    private static readonly string[] Names =
        ["Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "Fastly-Client-IP", "X-ProxyUser-Ip", "CDN-Loop"];

    /// <summary>Whether the request comes from this machine itself, so far as it can be told.</summary>
    public static bool Is(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !context.Request.Headers.Keys.Any(IsOfProxy)
        && IsLoopbackHost(context.Request.Host.Host);

    private static bool IsOfProxy(string header) =>
        Array.Exists(Prefixes, prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        || Names.Contains(header, StringComparer.OrdinalIgnoreCase);

    private static bool IsLoopbackHost(string host) =>
        host.Length == 0
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
