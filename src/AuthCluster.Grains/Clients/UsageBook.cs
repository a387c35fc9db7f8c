using System.Collections.Concurrent;
using AuthCluster.Grains.Cluster;
using AuthCluster.Storage.Clients;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The usage counters of one silo's activations, between the grains that count and the flusher that writes.
/// Nothing here is written for a token; a kill loses what was counted since the last flush.
/// </summary>
internal sealed class UsageBook(SiloActivity activity)
{
    private readonly ConcurrentQueue<ClientUsage> _dirty = new();

    /// <summary>How many activations have counted something that nobody has taken yet.</summary>
    public int DirtyCount => _dirty.Count;

    /// <summary>Opens the counters of one activation.</summary>
    public ClientUsage Open(string clientId) => new(clientId, this);

    internal void CountGranted() => activity.Granted();

    internal void MarkDirty(ClientUsage usage) => _dirty.Enqueue(usage);

    /// <summary>Takes what was counted since the last call, of at most <paramref name="most"/> activations.</summary>
    public List<UsageChange> Take(int most)
    {
        var changes = new List<UsageChange>();
        while (changes.Count < most && _dirty.TryDequeue(out var usage))
        {
            changes.Add(usage.Take());
        }

        return changes;
    }

    /// <summary>Puts changes back that are not stored and were refused.</summary>
    public static void Return(IEnumerable<UsageChange> changes)
    {
        foreach (var change in changes)
        {
            change.Source.Return(change);
        }
    }
}

/// <summary>What one activation has counted since it was last asked.</summary>
/// <param name="Source">Where it came from.</param>
/// <param name="Counts">How often, by hour and outcome.</param>
/// <param name="LastUses">When client, secrets and scopes were last used, to the minute.</param>
internal sealed record UsageChange(ClientUsage Source, IReadOnlyList<UsageCount> Counts, IReadOnlyList<LastUse> LastUses);
