using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AuthCluster.Client.Revocation;

/// <summary>The figures of an API that checks for revocation.</summary>
internal sealed class RevocationMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _checks;
    private readonly Histogram<double> _introspection;

    public RevocationMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(ClientMetrics.MeterName);
        _checks = _meter.CreateCounter<long>("authcluster.client.revocation.checks", "{check}", "Tokens checked for revocation, by standing.");
        _introspection = _meter.CreateHistogram<double>("authcluster.client.introspection.duration", "s", "Time of an introspection request, by standing; answers from the cache are not in it.");
    }

    public void Checked(TokenStanding standing) => _checks.Add(1, Tag(standing));

    public void Introspected(TokenStanding standing, TimeSpan duration) => _introspection.Record(duration.TotalSeconds, new TagList { Tag(standing) });

    /// <summary>Shows how old the feed's last answer is: what an alert watches.</summary>
    public void ObserveFeed(Func<double?> age) =>
        _meter.CreateObservableGauge("authcluster.client.revocation.feed.age", () => age() is { } seconds ? [new Measurement<double>(seconds)] : Array.Empty<Measurement<double>>(), "s", "Time since the feed last confirmed the list.");

    private static KeyValuePair<string, object?> Tag(TokenStanding standing) => new("standing", standing switch
    {
        TokenStanding.Active => "active",
        TokenStanding.Revoked => "revoked",
        TokenStanding.Unknown => "unknown",
        _ => throw new ArgumentOutOfRangeException(nameof(standing)),
    });
}
