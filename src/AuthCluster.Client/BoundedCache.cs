using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Client;

/// <summary>
/// Holds the entries that were used last, in two generations. When the recent generation is full it replaces the older one, whose entries are
/// dropped unless they were used meanwhile. So no call searches all entries.
/// </summary>
/// <param name="capacity">How many of the entries that were used last are certainly held; at most twice as many are. With 0, each call makes its
/// own.</param>
internal sealed class BoundedCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private volatile ConcurrentDictionary<TKey, TValue> _recent = new();
    private ConcurrentDictionary<TKey, TValue> _before = new();

    /// <summary>How many entries are held.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _recent.Count + _before.Count;
        }
    }

    /// <summary>The entries, in no order.</summary>
    public IReadOnlyList<TValue> Values
    {
        get
        {
            lock (_gate)
                return [.. _recent.Values, .. _before.Values];
        }
    }

    /// <summary>Looks without a lock among the recent entries; one that is not there may still be held.</summary>
    public bool TryGetRecent(TKey key, [MaybeNullWhen(false)] out TValue value) => _recent.TryGetValue(key, out value);

    /// <summary>Whether the entry is held.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_gate)
            return _recent.TryGetValue(key, out value) || _before.TryGetValue(key, out value);
    }

    /// <summary>The entry if it is held and still good, else a new one, which takes its place. Both functions run under a lock.</summary>
    public TValue GetOrAdd(TKey key, Func<TValue, bool> isGood, Func<TKey, TValue> create)
    {
        if (capacity <= 0)
            return create(key);
        lock (_gate)
        {
            var isHeld = _recent.TryGetValue(key, out var value);
            if (!isHeld)
            {
                isHeld = _before.TryRemove(key, out value);
                if (_recent.Count >= capacity)
                    (_before, _recent) = (_recent, new());
            }

            return _recent[key] = isHeld && isGood(value!) ? value! : create(key);
        }
    }
}
