using System.Diagnostics;

namespace AuthCluster.Client;

/// <summary>The SDK's traces, source <c>AuthCluster.Client</c>.</summary>
internal static class ClientTracing
{
    public const string SourceName = "AuthCluster.Client";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>
    /// A trace of its own, linked to the call that caused it: the request serves every caller and may outlive that call.
    /// </summary>
    public static Activity? StartTokenRequest(ActivityContext caller) =>
        Source.StartActivity("authcluster.token", ActivityKind.Client, parentContext: default, links: caller == default ? null : [new ActivityLink(caller)]);
}
