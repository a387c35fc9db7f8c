using System.Globalization;
using System.Security.Cryptography;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.Clients;

/// <summary>
/// Computes at most half as many slow hashes at once as there are processors, for logins and new secrets of administrators together, so
/// that a flood of wrong secrets leaves processors for other requests.
/// </summary>
/// <remarks>
/// <para>Logins and administrators alternate while both wait, so that neither can starve the other. Among logins the source networks take
/// turns, and within a network its clients: the right secret from another network waits for one hash of a flood, not for all of them, and
/// enters the queue even when it is full. A login that finds no room, or no turn in time, is answered 503.</para>
/// <para>Callers who present the same secret for the same client at once, as the pods of one service do after a
/// restart, wait for one computation.</para>
/// </remarks>
public sealed class SlowHashGate(TimeProvider clock)
{
    private const int MaxWaiting = 256;
    private const int MaxWaitingOfOneNetwork = 64;
    private const int MaxWaitingOfOneClient = 16;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    private readonly int _slots = Math.Max(1, Environment.ProcessorCount / 2);
    private readonly Lock _lock = new();
    private readonly FairQueue<Computation> _logins = new(MaxWaiting, MaxWaitingOfOneNetwork, MaxWaitingOfOneClient);
    private readonly Queue<TaskCompletionSource> _administrators = new();
    private readonly Dictionary<string, Computation> _underWay = new(StringComparer.Ordinal);
    private int _running;
    private bool _isTurnOfAdministrators;

    /// <summary>Computes one hash for a login when its turn comes.</summary>
    /// <param name="network">Where the request comes from: an IPv4 /24 or an IPv6 /64.</param>
    /// <param name="clientId">The client whose secret it is.</param>
    /// <param name="parameters">How to compute it.</param>
    /// <param name="secret">The presented secret.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The hash, or null when there is no room or the turn did not come in time.</returns>
    public async Task<byte[]?> ComputeAsync(
        string network, string clientId, SlowHashParameters parameters, ReadOnlyMemory<byte> secret, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (Enter(network, clientId, parameters, secret) is not { } computation)
        {
            return null;
        }

        try
        {
            return await computation.Result.Task.WaitAsync(MaxWait, clock, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return null;
        }
        finally
        {
            Leave(computation);
        }
    }

    /// <summary>Waits for an administrator's turn to compute one hash. <see cref="EndTurn"/> must end the turn.</summary>
    /// <param name="wait">How long to wait.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>False when the turn did not come in time, or the caller has gone.</returns>
    public async Task<bool> TakeTurnAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_running < _slots)
            {
                _running++;
                return true;
            }

            _administrators.Enqueue(turn);
        }

        try
        {
            await turn.Task.WaitAsync(wait, clock, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (!turn.TrySetCanceled(CancellationToken.None))
            {
                // The turn came while the wait ended: hand it on.
                EndTurn();
            }

            return false;
        }
    }

    /// <summary>Ends an administrator's turn.</summary>
    public void EndTurn() => StartNext();

    /// <summary>Joins the computation of the same secret from the same network, or starts or queues one; null when the queue has no room.</summary>
    private Computation? Enter(string network, string clientId, SlowHashParameters parameters, ReadOnlyMemory<byte> secret)
    {
        var key = Key(network, clientId, parameters, secret.Span);
        Computation? displaced = null;
        try
        {
            lock (_lock)
            {
                if (_underWay.TryGetValue(key, out var computation))
                {
                    computation.Waiters++;
                    return computation;
                }

                computation = new Computation(key, parameters, secret);
                if (_running < _slots)
                {
                    _running++;
                    Start(computation);
                }
                else if (!_logins.TryAdd(network, clientId, computation, out displaced))
                {
                    return null;
                }

                _underWay[key] = computation;
                return computation;
            }
        }
        finally
        {
            displaced?.Result.TrySetResult(null);
        }
    }

    private void Leave(Computation computation)
    {
        lock (_lock)
        {
            // Nobody waits for it any more: if it is queued it is skipped, and the next caller with this secret starts a new one.
            if (--computation.Waiters == 0 && _underWay.TryGetValue(computation.Key, out var current) && current == computation)
            {
                _underWay.Remove(computation.Key);
            }
        }
    }

    // On another thread than the caller's: half a second of work must not delay Kestrel's reads.
    private void Start(Computation computation) =>
        Task.Run<byte[]?>(() => SlowHash.Compute(computation.Parameters, computation.Secret.Span))
            .ContinueWith(
                done =>
                {
                    computation.Result.TrySetFromTask(done);
                    StartNext();
                },
                TaskScheduler.Default);

    private void StartNext()
    {
        lock (_lock)
        {
            _isTurnOfAdministrators = !_isTurnOfAdministrators;
            if (_isTurnOfAdministrators ? StartAdministrator() || StartLogin() : StartLogin() || StartAdministrator())
            {
                return;
            }

            _running--;
        }
    }

    private bool StartLogin()
    {
        while (_logins.TryTake(out var next))
        {
            if (next.Waiters > 0)
            {
                Start(next);
                return true;
            }
        }

        return false;
    }

    private bool StartAdministrator()
    {
        while (_administrators.TryDequeue(out var next))
        {
            // A waiter that gave up has cancelled its turn.
            if (next.TrySetResult())
            {
                return true;
            }
        }

        return false;
    }

    private static string Key(string network, string clientId, SlowHashParameters parameters, ReadOnlySpan<byte> secret) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{network} {clientId} {parameters.Algorithm} {parameters.Iterations} {parameters.MemoryKib} {parameters.Parallelism} {parameters.OutputBytes} {Convert.ToHexString(parameters.Salt.AsSpan())} {Convert.ToHexString(SHA256.HashData(secret))}");

    /// <summary>One hash, and how many wait for it.</summary>
    private sealed class Computation(string key, SlowHashParameters parameters, ReadOnlyMemory<byte> secret)
    {
        public string Key { get; } = key;

        public SlowHashParameters Parameters { get; } = parameters;

        public ReadOnlyMemory<byte> Secret { get; } = secret;

        public TaskCompletionSource<byte[]?> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; } = 1;
    }
}
