using System.Collections.Frozen;
using System.Diagnostics;
using OpenTelemetry;

namespace AuthCluster.Server.Telemetry;

/// <summary>
/// Removes from each span what a caller chose: path, query, host, user agent, trace state, and the id of a client's grain, which is
/// whatever was sent as an id. Each of them may contain a secret. The texts of exceptions name grains too. The route, the status, the
/// grain's class and the exception's type stay.
/// </summary>
internal sealed class TraceRedaction : BaseProcessor<Activity>
{
    private static readonly FrozenSet<string> Callers = FrozenSet.Create(
        StringComparer.Ordinal,
        "url.path", "url.query", "url.full", "http.target", "http.url", "http.host", "server.address", "server.port",
        "user_agent.original", "http.user_agent", "http.request.method_original", "exception.message", "exception.stacktrace");

    public override void OnStart(Activity data) => data.TraceStateString = null;

    public override void OnEnd(Activity data)
    {
        foreach (var tag in data.TagObjects.Where(tag => Callers.Contains(tag.Key) || IsIdOfOrleans(tag.Key)).ToList())
        {
            data.SetTag(tag.Key, null);
        }

        // This removes the description, which is an exception's text.
        data.SetStatus(data.Status);
    }

    /// <summary>By the form of the name: Orleans has several such tags, as <c>orleans.rpc.target_id</c>, and has renamed them before.</summary>
    private static bool IsIdOfOrleans(string tag) =>
        tag.Contains("orleans.", StringComparison.Ordinal) && tag.EndsWith("id", StringComparison.Ordinal);
}
