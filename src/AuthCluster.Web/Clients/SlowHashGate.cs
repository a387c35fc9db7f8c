using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.Clients;

/// <summary>
/// Admits slow hashes: few at a time in this process, shared out in turns by source network and client, so
/// that a flood of wrong secrets holds neither the processor nor the only slot.
/// </summary>
/// <remarks>
/// Each (network, client) pair has a queue of its own and the pairs take turns, so the right secret from
/// another network waits for one hash of the flood, not for all of it. Queues are bounded; what does not fit,
/// or does not come to its turn in time, is answered as not available.
/// </remarks>
public sealed class SlowHashGate(TimeProvider clock)
{
    private const int MostWaiting = 256;
    private const int MostWaitingOfOneSource = 16;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly int _slots = Math.Max(1, Environment.ProcessorCount / 2);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Network, string Client), Queue<Waiter>> _queues = [];
    private readonly LinkedList<(string Network, string Client)> _turns = new();
    private int _running;
    private int _waiting;

    /// <summary>How many hashes wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Computes one hash when its turn comes.</summary>
    /// <param name="network">Where the request comes from: an IPv4 /24 or an IPv6 /64.</param>
    /// <param name="clientId">The client whose secret it is.</param>
    /// <param name="parameters">How to compute it.</param>
    /// <param name="secret">The presented secret.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The hash, or null when there is no room or the turn did not come in time.</returns>
    public async Task<byte[]?> ComputeAsync(
        string network, string clientId, SlowHashParameters parameters, ReadOnlyMemory<byte> secret, CancellationToken cancellationToken)
    {
        if (Enter(network, clientId) is not { } waiter)
        {
            return null;
        }

        try
        {
            await waiter.Turn.Task.WaitAsync(LongestWait, clock, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (!waiter.GiveUp())
            {
                Leave();
            }

            return null;
        }

        try
        {
            // Off the caller's thread: half a second of work must not sit between Kestrel's reads.
            return await Task.Run(() => SlowHash.Compute(parameters, secret.Span), CancellationToken.None);
        }
        finally
        {
            Leave();
        }
    }

    private Waiter? Enter(string network, string clientId)
    {
        lock (_lock)
        {
            var waiter = new Waiter();
            if (_running < _slots)
            {
                _running++;
                waiter.Admit();
                return waiter;
            }

            var key = (network, clientId);
            if (!_queues.TryGetValue(key, out var queue))
            {
                queue = new Queue<Waiter>();
            }

            if (_waiting >= MostWaiting || queue.Count >= MostWaitingOfOneSource)
            {
                return null;
            }

            if (queue.Count == 0)
            {
                _queues[key] = queue;
                _turns.AddLast(key);
            }

            queue.Enqueue(waiter);
            _waiting++;
            return waiter;
        }
    }

    /// <summary>Hands the slot to the next in turn.</summary>
    private void Leave()
    {
        lock (_lock)
        {
            while (_turns.First is { } turn)
            {
                var queue = _queues[turn.Value];
                var next = queue.Dequeue();
                _waiting--;
                _turns.RemoveFirst();
                if (queue.Count > 0)
                {
                    _turns.AddLast(turn);
                }
                else
                {
                    _queues.Remove(turn.Value);
                }

                if (next.Admit())
                {
                    return;
                }
            }

            _running--;
        }
    }

    /// <summary>One request in a queue: either admitted or given up, never both.</summary>
    private sealed class Waiter
    {
        private int _state;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Admit()
        {
            if (Interlocked.CompareExchange(ref _state, 1, 0) != 0)
            {
                return false;
            }

            Turn.TrySetResult();
            return true;
        }

        public bool GiveUp() => Interlocked.CompareExchange(ref _state, 2, 0) == 0;
    }
}
