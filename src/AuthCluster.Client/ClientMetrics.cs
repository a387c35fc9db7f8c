using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AuthCluster.Client;

/// <summary>The SDK's figures, meter <c>AuthCluster.Client</c>.</summary>
internal sealed class ClientMetrics
{
    public const string MeterName = "AuthCluster.Client";

    private readonly Counter<long> _requests;
    private readonly Counter<long> _successes;
    private readonly Counter<long> _errors;
    private readonly Histogram<double> _duration;

    public ClientMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _requests = meter.CreateCounter<long>("authcluster.client.token.requests", "{request}", "Token requests begun; repeats within one are not counted.");
        _successes = meter.CreateCounter<long>("authcluster.client.token.successes", "{request}", "Token requests that brought a token.");
        _errors = meter.CreateCounter<long>("authcluster.client.token.errors", "{request}", "Token requests that brought none, by error.type.");
        _duration = meter.CreateHistogram<double>("authcluster.client.token.duration", "s", "Time from asking for a token to having it or giving up, repeats included.");
    }

    public void TokenRequested() => _requests.Add(1);

    public void TokenReceived(TimeSpan duration)
    {
        _successes.Add(1);
        _duration.Record(duration.TotalSeconds);
    }

    public void TokenFailed(AuthClusterError error, TimeSpan duration)
    {
        var tag = new KeyValuePair<string, object?>("error.type", AuthClusterException.CodeOf(error));
        _errors.Add(1, tag);
        _duration.Record(duration.TotalSeconds, new TagList { tag });
    }
}
