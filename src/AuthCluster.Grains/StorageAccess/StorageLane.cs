using AuthCluster.Storage;

namespace AuthCluster.Grains.StorageAccess;

/// <summary>What a storage operation is for. Each kind has connections of its own, so that a flood of one keeps none of the others waiting.</summary>
internal enum StorageLane
{
    /// <summary>Reads that a request waits for: a client's row, its revoked tokens, the feed.</summary>
    Reads,

    /// <summary>Pages of lists. An index finds them, but what they carry may be large.</summary>
    Lists,

    /// <summary>Reports, which may go through a whole table.</summary>
    Reports,

    /// <summary>Whether storage answers at all. Its connections are those of membership, of another pool: the other lanes can't take them.</summary>
    Probe,

    /// <summary>The silo's own reading of the keys.</summary>
    Keys,

    /// <summary>Writes that an administrator, or the owner of a token, waits for.</summary>
    Changes,

    /// <summary>Writes of which each client may need one at the same moment (quota blocks, claims of limits), and sweeps.</summary>
    Background,
}

/// <summary>The bounds of one lane.</summary>
/// <param name="MaxConcurrent">How many operations run at once, each over a connection.</param>
/// <param name="MaxWaiting">How many more may wait.</param>
/// <param name="MaxWait">How long each of them waits.</param>
/// <param name="Deadline">How long an operation may then take.</param>
/// <param name="MaxTotal">How long waiting and working may take together.</param>
internal sealed record LaneBounds(int MaxConcurrent, int MaxWaiting, TimeSpan MaxWait, TimeSpan Deadline, TimeSpan MaxTotal)
{
    /// <summary>Connections that no lane has: for the writing of usage, and one to spare.</summary>
    private const int Reserved = 2;

    /// <summary>The smallest pool that the lanes fit in.</summary>
    public const int MinConnections = 10;

    /// <summary>
    /// The lanes of a silo. But for the probe, which has another pool, they and what is reserved never take more than the pool has, from
    /// <see cref="MinConnections"/> on.
    /// </summary>
    public static Dictionary<StorageLane, LaneBounds> Of(Database database) =>
        database.HoldsItsCaller ? OfOneFile() : OfPool(database.MaxConnections);

    /// <summary>The full widths where the pool has room for them, else as much less of each.</summary>
    public static Dictionary<StorageLane, LaneBounds> OfPool(int connections)
    {
        var full = Lanes(reads: 32, lists: 8, reports: 2, changes: 24, background: 24);
        var ofPool = full.Where(lane => lane.Key != StorageLane.Probe).Select(lane => lane.Value.MaxConcurrent).ToList();
        // Each has one at least, so only what is beyond that is shared out.
        var share = Math.Clamp((double)(connections - Reserved - ofPool.Count) / (ofPool.Sum() - ofPool.Count), 0, 1);
        return full.ToDictionary(
            lane => lane.Key,
            lane => lane.Key == StorageLane.Probe ? lane.Value : lane.Value with { MaxConcurrent = 1 + (int)((lane.Value.MaxConcurrent - 1) * share) });
    }

    /// <summary>Readers of one file hold a thread each; its writers take turns anyway, and waiting together they share a sync to disk.</summary>
    private static Dictionary<StorageLane, LaneBounds> OfOneFile() =>
        Lanes(reads: 8, lists: 4, reports: 2, changes: 64, background: 16);

    private static Dictionary<StorageLane, LaneBounds> Lanes(int reads, int lists, int reports, int changes, int background) => new()
    {
        [StorageLane.Reads] = Bounds(reads, waiting: 20_000, wait: 1, deadline: 2, total: 2),
        // The totals of these stay below the time-out of a call.
        [StorageLane.Lists] = Bounds(lists, waiting: 200, wait: 2, deadline: 5, total: 6),
        [StorageLane.Reports] = Bounds(reports, waiting: 50, wait: 4, deadline: 6, total: 6),
        // Storage that barely answers in time is not well, and those who ask are better told so than kept waiting.
        [StorageLane.Probe] = Bounds(2, waiting: 0, wait: 0, deadline: 1.5, total: 1.5),
        [StorageLane.Keys] = Bounds(1, waiting: 4, wait: 1.5, deadline: 1.5, total: 3),
        [StorageLane.Changes] = Bounds(changes, waiting: 5_000, wait: 3, deadline: 5, total: 6),
        // As many as a database writes in that time: nobody waits for these but callers who are told to come back.
        [StorageLane.Background] = Bounds(background, waiting: 50_000, wait: 30, deadline: 5, total: 35),
    };

    private static LaneBounds Bounds(int maxConcurrent, int waiting, double wait, double deadline, double total) =>
        new(maxConcurrent, waiting, TimeSpan.FromSeconds(wait), TimeSpan.FromSeconds(deadline), TimeSpan.FromSeconds(total));
}
