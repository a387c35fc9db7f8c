using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Session;

/// <summary>
/// Does what a load balancer does: asks each server's <c>/health/ready</c> every quarter second, and sends requests in turn
/// to the servers that were ready at the last check.
/// </summary>
public sealed class Balancer : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Caller _caller = new();
    private readonly IReadOnlyList<ServerProcess> _nodes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private IReadOnlyList<ServerProcess> _ready;

    public Balancer(IReadOnlyList<ServerProcess> nodes)
    {
        _nodes = nodes;
        _ready = nodes;
        _running = RunAsync();
    }

    /// <summary>The server for a request.</summary>
    public ServerProcess Pick(int number)
    {
        var ready = Volatile.Read(ref _ready);
        return ready[number % ready.Count];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _caller.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var answers = await Task.WhenAll(_nodes.Select(_caller.IsReadyAsync));
            var ready = _nodes.Where((_, i) => answers[i]).ToList();
            if (ready.Count > 0)
            {
                Volatile.Write(ref _ready, ready);
            }

            await Task.Delay(Period, CancellationToken.None);
        }
    }
}
