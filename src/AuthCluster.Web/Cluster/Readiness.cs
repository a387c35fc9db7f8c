using AuthCluster.Web.Keys;

namespace AuthCluster.Web.Cluster;

/// <summary>
/// Whether this node should get requests. It never asks the database, so that an outage of the database makes no node unready.
/// </summary>
public sealed class Readiness(KeyRing keys, TimeProvider clock)
{
    // A node that could not decide for less than this gets its requests all the same: they wait until it may decide again.
    private static readonly TimeSpan MaxUndecided = TimeSpan.FromSeconds(5);

    private const long MayDecide = 0;

    private volatile bool _started;
    private volatile bool _stopping;
    private volatile bool _unlinked;
    private long _undecidedSince = MayDecide;

    /// <summary>Whether the start is complete, a key is held, no stop has begun, the silos answer, and the node was able to decide lately.</summary>
    public bool IsReady => Reason.Length == 0;

    /// <summary>Why the node is not ready, for people; empty when ready.</summary>
    public string Reason =>
        _stopping ? "stopping"
        : !_started ? "starting"
        : keys.Current is null ? "no signing key"
        : _unlinked ? "no silo"
        : IsUndecided ? "may not decide"
        : "";

    private bool IsUndecided =>
        Volatile.Read(ref _undecidedSince) is var since && since != MayDecide && clock.GetElapsedTime(since) >= MaxUndecided;

    /// <summary>Notes that the start is complete: migrations and bootstrap are done, and the silo, or the link to one, is active.</summary>
    public void Started() => _started = true;

    /// <summary>Notes whether the silos answer this front end.</summary>
    public void Linked(bool linked) => _unlinked = !linked;

    /// <summary>
    /// Notes whether this node may decide at this moment. Call it often, at least each second: a node that may not decide for five
    /// seconds on end is not ready, and the five seconds are counted here, from the first call with false.
    /// </summary>
    /// <param name="mayDecide">For a silo its right to decide; for a front end without a silo, whether it has a lease of the keys.</param>
    public void Deciding(bool mayDecide)
    {
        if (mayDecide)
        {
            Volatile.Write(ref _undecidedSince, MayDecide);
        }
        else
        {
            Interlocked.CompareExchange(ref _undecidedSince, Math.Max(MayDecide + 1, clock.GetTimestamp()), MayDecide);
        }
    }

    /// <summary>Notes that a stop has begun.</summary>
    public void Stopping() => _stopping = true;
}
