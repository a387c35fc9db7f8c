using System.Collections.Frozen;
using System.Diagnostics;
using OpenTelemetry;

namespace AuthCluster.Server.Telemetry;

/// <summary>
/// Takes out of each span what a caller chose: path, query, host, user agent, trace state, and the id of a client's grain, which is
/// whatever was sent as an id. A secret may stand in any of them. The route, the status and the grain's class stay.
/// </summary>
internal sealed class CallersTextOutOfTraces : BaseProcessor<Activity>
{
    private static readonly FrozenSet<string> Callers = FrozenSet.Create(
        StringComparer.Ordinal,
        "url.path", "url.query", "url.full", "http.target", "http.url", "http.host", "server.address", "server.port",
        "user_agent.original", "http.user_agent", "http.request.method_original", "rpc.orleans.target_id", "rpc.orleans.source_id");

    public override void OnStart(Activity data) => data.TraceStateString = null;

    public override void OnEnd(Activity data)
    {
        foreach (var tag in data.TagObjects.Where(tag => Callers.Contains(tag.Key)).ToList())
        {
            data.SetTag(tag.Key, null);
        }
    }
}
