using AuthCluster.Storage;

namespace AuthCluster.Grains.StorageAccess;

/// <summary>What a storage operation is for. Each kind has its own share of the connections, so that a flood of one kind holds up no other.</summary>
internal enum StorageLane
{
    /// <summary>Reads that a request waits for: a client's row, its revoked tokens, the feed.</summary>
    Reads,

    /// <summary>Pages of lists. An index finds them, but they may be large.</summary>
    Lists,

    /// <summary>Reports, which may scan a whole table.</summary>
    Reports,

    /// <summary>The check whether storage answers. It uses the connection pool of membership, which the other lanes can't exhaust.</summary>
    Probe,

    /// <summary>The silo's reads of the keys.</summary>
    Keys,

    /// <summary>Writes that an administrator, or a client that revokes a token, waits for.</summary>
    Changes,

    /// <summary>Sweeps, and writes that all clients may need at the same moment (quota blocks, claims of rate limits).</summary>
    Background,
}

/// <summary>The bounds of one lane.</summary>
/// <param name="MaxConcurrent">How many operations run at once, each on its connection.</param>
/// <param name="MaxWaiting">How many more may wait.</param>
/// <param name="MaxWait">How long each of those waits at most.</param>
/// <param name="Deadline">How long an operation may then take.</param>
/// <param name="MaxTotal">How long the wait and the operation may take together.</param>
internal sealed record LaneBounds(int MaxConcurrent, int MaxWaiting, TimeSpan MaxWait, TimeSpan Deadline, TimeSpan MaxTotal)
{
    /// <summary>Connections outside the lanes: one to write usage, and one to spare.</summary>
    private const int Reserved = 2;

    /// <summary>
    /// The bounds of a silo's lanes. With a pool of 10 connections or more, the lanes (without the probe, which has another pool)
    /// and the reserved connections fit into the pool.
    /// </summary>
    public static Dictionary<StorageLane, LaneBounds> Of(Database database) =>
        database.HoldsItsCaller ? OfOneFile() : OfPool(database.MaxConnections);

    /// <summary>The full number of operations in each lane where the pool has room for them; else the same fraction of each, at least 1.</summary>
    public static Dictionary<StorageLane, LaneBounds> OfPool(int connections)
    {
        var full = Lanes(reads: 32, lists: 8, reports: 2, changes: 24, background: 24);
        var ofPool = full.Where(lane => lane.Key != StorageLane.Probe).Select(lane => lane.Value.MaxConcurrent).ToList();
        // Each lane has at least one connection, so only the rest is shared out.
        var share = Math.Clamp((double)(connections - Reserved - ofPool.Count) / (ofPool.Sum() - ofPool.Count), 0, 1);
        return full.ToDictionary(
            lane => lane.Key,
            lane => lane.Key == StorageLane.Probe ? lane.Value : lane.Value with { MaxConcurrent = 1 + (int)((lane.Value.MaxConcurrent - 1) * share) });
    }

    /// <summary>SQLite: each reader blocks a thread; writers take turns anyway, and those that wait together share one sync to disk.</summary>
    private static Dictionary<StorageLane, LaneBounds> OfOneFile() =>
        Lanes(reads: 8, lists: 4, reports: 2, changes: 64, background: 16);

    private static Dictionary<StorageLane, LaneBounds> Lanes(int reads, int lists, int reports, int changes, int background) => new()
    {
        [StorageLane.Reads] = Bounds(reads, waiting: 20_000, wait: 1, deadline: 2, total: 2),
        // The totals of these lanes stay below the time-out of a grain call.
        [StorageLane.Lists] = Bounds(lists, waiting: 200, wait: 2, deadline: 5, total: 6),
        [StorageLane.Reports] = Bounds(reports, waiting: 50, wait: 4, deadline: 6, total: 6),
        // A short deadline: while storage barely answers, callers are better off with an error at once than with a long wait.
        [StorageLane.Probe] = Bounds(2, waiting: 0, wait: 0, deadline: 1.5, total: 1.5),
        [StorageLane.Keys] = Bounds(1, waiting: 4, wait: 1.5, deadline: 1.5, total: 3),
        [StorageLane.Changes] = Bounds(changes, waiting: 5_000, wait: 3, deadline: 5, total: 6),
        // Long enough for a burst of these writes. A decision waits for one for at most CallWait.MaxWait.
        [StorageLane.Background] = Bounds(background, waiting: 50_000, wait: 30, deadline: 5, total: 35),
    };

    private static LaneBounds Bounds(int maxConcurrent, int waiting, double wait, double deadline, double total) =>
        new(maxConcurrent, waiting, TimeSpan.FromSeconds(wait), TimeSpan.FromSeconds(deadline), TimeSpan.FromSeconds(total));
}
