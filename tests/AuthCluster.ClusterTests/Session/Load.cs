using System.Collections.Concurrent;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Session;

/// <summary>
/// A steady stream of requests, each sent when its time has come whether or not those before were answered,
/// so that a pause of the servers shows in every request that falls into it.
/// </summary>
public sealed class Load
{
    private const int MostWaiting = 1_000;

    private readonly Caller _caller;
    private readonly Func<int, Task<Sample>> _ask;
    private readonly ConcurrentBag<Sample> _samples = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _waiting;

    private Load(Caller caller, Func<int, Task<Sample>> ask, int perSecond)
    {
        _caller = caller;
        _ask = ask;
        _running = RunAsync(perSecond);
    }

    /// <summary>Starts a stream of token requests, round robin over the servers and the clients.</summary>
    public static Load Start(Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> clients, int perSecond) =>
        Start(caller, i => nodes[i % nodes.Count], clients, perSecond);

    /// <summary>Starts a stream of token requests; <paramref name="pick"/> chooses the server of each by its number.</summary>
    public static Load Start(Caller caller, Func<int, ServerProcess> pick, IReadOnlyList<TestClient> clients, int perSecond) =>
        Start(caller, i => caller.AskAsync(pick(i), clients[i % clients.Count]), perSecond);

    /// <summary>Starts a stream of any requests; <paramref name="ask"/> sends each by its number.</summary>
    public static Load Start(Caller caller, Func<int, Task<Sample>> ask, int perSecond) => new(caller, ask, perSecond);

    /// <summary>Ends the stream and waits for the answers that are under way.</summary>
    public async Task<LoadReport> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        return new LoadReport([.. _samples.OrderBy(sample => sample.At)]);
    }

    private async Task RunAsync(int perSecond)
    {
        var sent = new List<Task>();
        var start = _caller.Now;
        for (var number = 0; !_stop.IsCancellationRequested;)
        {
            for (var due = (int)((_caller.Now - start).TotalSeconds * perSecond); number < due; number++)
            {
                if (Volatile.Read(ref _waiting) < MostWaiting)
                {
                    sent.Add(SendAsync(number));
                }
            }

            await Task.Delay(5, CancellationToken.None);
        }

        await Task.WhenAll(sent);
    }

    private async Task SendAsync(int number)
    {
        Interlocked.Increment(ref _waiting);
        _samples.Add(await _ask(number));
        Interlocked.Decrement(ref _waiting);
    }
}

/// <summary>What a stream of requests met.</summary>
public sealed record LoadReport(IReadOnlyList<Sample> Samples)
{
    /// <summary>Answers that were not what was asked for. A 429 is none of these: it is the client's limit; nor a 202: the change is stored.</summary>
    public IReadOnlyList<Sample> Failed { get; } = [.. Samples.Where(sample => sample.Status is not (200 or 202 or 429) || (sample.Status == 200 && sample.What.Length > 0))];

    public TimeSpan Slowest { get; } = Samples.Count == 0 ? TimeSpan.Zero : Samples.Max(sample => sample.Took);

    /// <summary>The figures in one line.</summary>
    public string Figures(string what)
    {
        var times = Samples.Select(sample => sample.Took).Order().ToList();
        var line = $"{what}: {Samples.Count} requests, {Failed.Count} failed, {Samples.Count(s => s.Status == 429)} limited; " +
            $"median {times[times.Count / 2].TotalMilliseconds:f1} ms, 99 % {times[(int)(times.Count * 0.99)].TotalMilliseconds:f1} ms, slowest {Slowest.TotalSeconds:f2} s";
        TestContext.Current.SendDiagnosticMessage(line);
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        return Failed.Count == 0 ? line : line + "\n" + string.Join('\n', Failed.Take(10)) + $"\n… of servers {string.Join(", ", Failed.GroupBy(f => f.Port).Select(g => $"{g.Key}: {g.Count()}"))}";
    }
}
