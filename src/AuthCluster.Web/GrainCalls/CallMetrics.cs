using System.Diagnostics.Metrics;

namespace AuthCluster.Web.GrainCalls;

/// <summary>How often a front end had to ask again.</summary>
public sealed class CallMetrics
{
    private readonly Counter<long> _repeats;

    /// <summary>Makes the instruments.</summary>
    public CallMetrics(IMeterFactory factory) =>
        _repeats = factory.Create("AuthCluster.Cluster").CreateCounter<long>(
            "authcluster.cluster.repeats", "{call}", "Calls that were repeated because a silo did not answer");

    /// <summary>A call is repeated.</summary>
    /// <param name="failure">How the call before failed; null when the grain answered "not now": it waits for storage longer than one attempt may.</param>
    public void Repeated(Exception? failure) =>
        _repeats.Add(1, new KeyValuePair<string, object?>("reason", failure switch
        {
            null => "not_now",
            TimeoutException => "timeout",
            _ => "unavailable",
        }));
}
