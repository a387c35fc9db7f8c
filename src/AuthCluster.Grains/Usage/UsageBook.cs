using System.Collections.Concurrent;
using AuthCluster.Storage.Clients;

namespace AuthCluster.Grains.Usage;

/// <summary>
/// The usage counters of one silo's activations: grains count, the flusher takes the counts and writes them. A token writes nothing;
/// a process that is killed loses what it counted since the last flush.
/// </summary>
internal sealed class UsageBook(SiloActivity activity)
{
    private readonly ConcurrentQueue<ClientUsage> _dirty = new();
    private readonly ConcurrentQueue<ClientUsage> _setAside = new();
    private readonly ConcurrentQueue<ClientUsage> _remembering = new();
    private long _minute;

    /// <summary>How many activations have counts that are not taken yet.</summary>
    public int DirtyCount => _dirty.Count;

    /// <summary>How many activations are set aside because the database refused their counts.</summary>
    public int SetAsideCount => _setAside.Count;

    /// <summary>Opens the counters of one activation.</summary>
    public ClientUsage Open(string clientId) => new(clientId, this);

    internal void CountGranted() => activity.Granted();

    internal void MarkDirty(ClientUsage usage, bool isRefused) => (isRefused ? _setAside : _dirty).Enqueue(usage);

    internal void MarkRemembering(ClientUsage usage) => _remembering.Enqueue(usage);

    /// <summary>
    /// Makes activations forget the pairs of earlier minutes, so that idle ones hold no memory for them. Does so once a minute. Not
    /// thread-safe.
    /// </summary>
    public void ForgetMinutesBefore(DateTimeOffset now)
    {
        var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
        if (minute == _minute)
        {
            return;
        }

        _minute = minute;
        for (var left = _remembering.Count; left > 0 && _remembering.TryDequeue(out var usage); left--)
        {
            if (usage.ForgetUnlessOf(minute))
            {
                _remembering.Enqueue(usage);
            }
        }
    }

    /// <summary>Takes what was counted since the last call, of at most <paramref name="max"/> activations.</summary>
    public List<UsageChange> Take(int max)
    {
        var changes = new List<UsageChange>();
        while (changes.Count < max && _dirty.TryDequeue(out var usage))
        {
            changes.Add(usage.Take());
        }

        return changes;
    }

    /// <summary>Takes the counts of the activation that was set aside first; null when there is none.</summary>
    public UsageChange? TakeSetAside() => _setAside.TryDequeue(out var usage) ? usage.Take() : null;

    /// <summary>Puts changes back that were not stored.</summary>
    public static void Return(IEnumerable<UsageChange> changes)
    {
        foreach (var change in changes)
        {
            change.Source.Return(change);
        }
    }

    /// <summary>Puts changes back that the database refuses. From now on the counts of their activations are taken apart from the others.</summary>
    public static void SetAside(IEnumerable<UsageChange> changes)
    {
        foreach (var change in changes)
        {
            change.Source.IsRefused = true;
            change.Source.Return(change);
        }
    }
}

/// <summary>What one activation has counted since its counts were last taken.</summary>
/// <param name="Source">The counters of the activation.</param>
/// <param name="Counts">How often, by hour and outcome.</param>
/// <param name="LastUses">When client, secrets and scopes were last used, to the minute.</param>
internal sealed record UsageChange(ClientUsage Source, IReadOnlyList<UsageCount> Counts, IReadOnlyList<LastUse> LastUses);
