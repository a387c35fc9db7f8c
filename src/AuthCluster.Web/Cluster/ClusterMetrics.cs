using System.Diagnostics.Metrics;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.Cluster;

/// <summary>How often a front end had to ask again.</summary>
public sealed class ClusterMetrics
{
    private readonly Counter<long> _repeats;
    private readonly Counter<long> _notNow;

    /// <summary>Makes the instruments.</summary>
    public ClusterMetrics(IMeterFactory factory)
    {
        var meter = factory.Create("AuthCluster.Cluster");
        _repeats = meter.CreateCounter<long>(
            "authcluster.cluster.repeats", "{call}", "Calls that were repeated because a silo did not answer");
        _notNow = meter.CreateCounter<long>(
            "authcluster.cluster.not_now", "{answer}", "Answers of a client's grain that asked the front end to come again");
    }

    /// <summary>A call is repeated after a failure.</summary>
    public void Repeated(Exception failure) =>
        _repeats.Add(1, new KeyValuePair<string, object?>("reason", failure is TimeoutException ? "timeout" : "unavailable"));

    /// <summary>A grain asked to come again, and is asked again.</summary>
    public void NotNow(NotNowReason reason) =>
        _notNow.Add(1, new KeyValuePair<string, object?>("reason", reason switch
        {
            NotNowReason.ReservingQuota => "reserving_quota",
            NotNowReason.ClaimingLimit => "claiming_limit",
            // Of older silos some answers name no reason, and these have no other.
            _ => "reloading",
        }));
}
