using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>One write with its repetitions.</summary>
/// <param name="Client">The client that it disables.</param>
/// <param name="First">The first answer.</param>
/// <param name="Last">The last answer; the same as the first when there was one alone.</param>
internal sealed record FollowedWrite(TestClient Client, WriteAnswer First, WriteAnswer Last);

/// <summary>
/// Disables one client after the other through sound nodes, whatever happens meanwhile, without waiting for the answers before; repeats each write
/// until it holds everywhere, and tells the watch what each answer promises.
/// </summary>
internal sealed class FollowedWrites
{
    private static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(1);

    private readonly FenceAdmin _admin;
    private readonly TokenWatch _watch;
    private readonly IReadOnlyList<ServerProcess> _through;
    private readonly Func<string, int?> _portOf;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<IReadOnlyList<FollowedWrite>> _running;
    private TimeSpan _giveUpAfter;

    private FollowedWrites(
        FenceAdmin admin, TokenWatch watch, IReadOnlyList<ServerProcess> through, IReadOnlyList<TestClient> clients, TimeSpan every, Func<string, int?> portOf)
    {
        (_admin, _watch, _through, _portOf) = (admin, watch, through, portOf);
        _running = RunAsync(clients, every);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts to write.</summary>
    /// <param name="admin">Writes.</param>
    /// <param name="watch">Is told what each answer promises.</param>
    /// <param name="through">The nodes to write through, in turn.</param>
    /// <param name="clients">The clients, one for each write.</param>
    /// <param name="every">The time from write to write.</param>
    /// <param name="portOf">The HTTP port of a silo by its address; null for one that has no node any more.</param>
    public static FollowedWrites Start(
        FenceAdmin admin, TokenWatch watch, IReadOnlyList<ServerProcess> through, IReadOnlyList<TestClient> clients, TimeSpan every, Func<string, int?> portOf) =>
        new(admin, watch, through, clients, every, portOf);

    /// <summary>Starts no further write, and waits until each holds everywhere, or for as long as this.</summary>
    public async Task<IReadOnlyList<FollowedWrite>> StopAsync(TimeSpan within)
    {
        _giveUpAfter = within;
        await _stop.CancelAsync();
        var writes = await _running;
        _stop.Dispose();
        return writes;
    }

    private async Task<IReadOnlyList<FollowedWrite>> RunAsync(IReadOnlyList<TestClient> clients, TimeSpan every)
    {
        var started = new List<Task<FollowedWrite>>();
        foreach (var client in clients)
        {
            started.Add(FollowAsync(_through[started.Count % _through.Count], client));
            try
            {
                await Task.Delay(every, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return await Task.WhenAll(started);
    }

    private async Task<FollowedWrite> FollowAsync(ServerProcess node, TestClient client)
    {
        _watch.Focus(client);
        var first = await WriteAsync(node, client);
        var last = first;
        TimeSpan? giveUpAt = null;
        while (!last.IsEverywhere)
        {
            if (_stop.IsCancellationRequested)
            {
                giveUpAt ??= last.Answered + _giveUpAfter;
            }

            if (last.Answered > giveUpAt)
            {
                break;
            }

            await Task.Delay(RepeatAfter, Cancellation);
            last = await WriteAsync(node, client);
        }

        return new FollowedWrite(client, first, last);
    }

    private async Task<WriteAnswer> WriteAsync(ServerProcess node, TestClient client)
    {
        var answer = await _admin.DisableAsync(node, client);
        if (answer.IsEverywhere)
        {
            _watch.Promise("disable", client, answer.Answered, asked => asked.IsIssued);
        }
        else if (answer.IsStoredOnly && await _admin.UnconfirmedAsync(node) is { } unconfirmed)
        {
            // A living silo may have acknowledged between the two answers, so the list speaks from when it was told.
            _watch.Promise("disable (202)", client, _admin.Now, asked => asked.IsIssued, unconfirmed.Keys.Select(_portOf).OfType<int>());
            foreach (var (address, silo) in unconfirmed.Where(silo => silo.Value.IsDead))
            {
                _watch.Promise("disable (202) past the time of a dead silo", client, silo.Until, asked => asked.IsIssued, _watch.Ports.Where(port => port != _portOf(address)));
            }
        }

        return answer;
    }
}
