using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Web.Clients;

/// <summary>
/// A bounded queue in which source networks take turns, and within a network its clients. A client that adds one item waits for at most one
/// item of each other client of its network, and at each turn of its network for at most one item of each other network, however many
/// items the others add.
/// </summary>
/// <remarks>Not safe for several threads at once: its owner holds a lock.</remarks>
internal sealed class FairQueue<T>(int max, int maxOfOneNetwork, int maxOfOneClient)
    where T : class
{
    private readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);
    private readonly Queue<string> _turns = new();
    private int _count;

    /// <summary>Adds an item, where the bounds allow it.</summary>
    /// <param name="network">Where it comes from.</param>
    /// <param name="client">The client it is about.</param>
    /// <param name="item">The item.</param>
    /// <param name="displaced">The item that was removed to make room: the next one of the network with the most items; null for none.</param>
    public bool TryAdd(string network, string client, T item, out T? displaced)
    {
        displaced = null;
        var count = _lanes.TryGetValue(network, out var lane) ? lane.Count : 0;
        if (count >= maxOfOneNetwork || lane?.CountOf(client) >= maxOfOneClient)
        {
            return false;
        }

        if (_count >= max)
        {
            var longest = _lanes.Values.MaxBy(other => other.Count)!;
            if (longest.Count <= count + 1)
            {
                return false;
            }

            displaced = longest.Take();
            _count--;
        }

        if (lane is null)
        {
            lane = _lanes[network] = new Lane();
            _turns.Enqueue(network);
        }

        lane.Add(client, item);
        _count++;
        return true;
    }

    /// <summary>Takes the item whose turn it is.</summary>
    public bool TryTake([NotNullWhen(true)] out T? item)
    {
        if (!_turns.TryDequeue(out var network))
        {
            item = null;
            return false;
        }

        var lane = _lanes[network];
        item = lane.Take();
        _count--;
        if (lane.Count > 0)
        {
            _turns.Enqueue(network);
        }
        else
        {
            _lanes.Remove(network);
        }

        return true;
    }

    /// <summary>The items of one network, by client.</summary>
    private sealed class Lane
    {
        private readonly Dictionary<string, Queue<T>> _clients = new(StringComparer.Ordinal);
        private readonly Queue<string> _turns = new();

        public int Count { get; private set; }

        public int CountOf(string client) => _clients.TryGetValue(client, out var queue) ? queue.Count : 0;

        public void Add(string client, T item)
        {
            if (!_clients.TryGetValue(client, out var queue))
            {
                queue = _clients[client] = new Queue<T>();
                _turns.Enqueue(client);
            }

            queue.Enqueue(item);
            Count++;
        }

        public T Take()
        {
            var client = _turns.Dequeue();
            var queue = _clients[client];
            var item = queue.Dequeue();
            Count--;
            if (queue.Count > 0)
            {
                _turns.Enqueue(client);
            }
            else
            {
                _clients.Remove(client);
            }

            return item;
        }
    }
}
