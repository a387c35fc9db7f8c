using AuthCluster.Web.Keys;

namespace AuthCluster.Web.Cluster;

/// <summary>
/// Whether this node should get requests. It never asks the database, so that an outage of the database makes no node unready.
/// </summary>
public sealed class Readiness(KeyRing keys)
{
    private volatile bool _started;
    private volatile bool _stopping;
    private volatile bool _unlinked;

    /// <summary>Whether the start is complete, a key is held, no stop has begun, and the silos answer.</summary>
    public bool IsReady => _started && !_stopping && !_unlinked && keys.Current is not null;

    /// <summary>Why the node is not ready, for people; empty when ready.</summary>
    public string Reason =>
        _stopping ? "stopping" : !_started ? "starting" : keys.Current is null ? "no signing key" : _unlinked ? "no silo" : "";

    /// <summary>Notes that the start is complete: migrations and bootstrap are done, and the silo, or the link to one, is active.</summary>
    public void Started() => _started = true;

    /// <summary>Notes whether the silos answer this front end.</summary>
    public void Linked(bool linked) => _unlinked = !linked;

    /// <summary>Notes that a stop has begun.</summary>
    public void Stopping() => _stopping = true;
}
