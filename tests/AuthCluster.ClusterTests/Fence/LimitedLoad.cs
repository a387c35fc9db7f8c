using System.Collections.Concurrent;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Steady requests of limited clients at every node, and how many tokens each client got.</summary>
internal sealed class LimitedLoad
{
    private const int PerSecond = 150;

    private readonly ConcurrentBag<(TestClient Client, Sample Sample)> _samples = [];
    private readonly FencedCluster _fenced;
    private readonly IReadOnlyList<TestClient> _clients;
    private readonly Load _load;

    private LimitedLoad(Caller caller, FencedCluster fenced, IReadOnlyList<TestClient> clients)
    {
        (_fenced, _clients) = (fenced, clients);
        var nodes = fenced.Nodes;
        _load = Load.Start(
            caller,
            async number =>
            {
                var client = clients[number / nodes.Count % clients.Count];
                var sample = await caller.AskAsync(nodes[number % nodes.Count], client);
                _samples.Add((client, sample));
                return sample;
            },
            PerSecond);
    }

    /// <summary>The requests of each client, when they have ended.</summary>
    public ILookup<TestClient, Sample> ByClient => _samples.ToLookup(one => one.Client, one => one.Sample);

    /// <summary>The requests that brought a token.</summary>
    public IEnumerable<Sample> Issued => _samples.Select(one => one.Sample).Where(sample => sample.Status == 200);

    /// <summary>Starts to ask for each client at each node.</summary>
    public static LimitedLoad Start(Caller caller, FencedCluster fenced, IReadOnlyList<TestClient> clients) => new(caller, fenced, clients);

    /// <summary>Ends the requests.</summary>
    public Task StopAsync() => _load.StopAsync();

    /// <summary>The figures in one line.</summary>
    public string Figures() =>
        $"{Issued.Count()} tokens of {_clients.Count} clients, "
        + string.Join(", ", _samples.GroupBy(one => one.Sample.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} × {group.Key}"));

    /// <summary>Each client got a token, and none more than its bucket and its refill allow.</summary>
    public void AssertWithinBuckets()
    {
        var byClient = ByClient;
        Assert.All(_clients, client =>
        {
            var elapsed = byClient[client].Max(sample => sample.At + sample.Took) - byClient[client].Min(sample => sample.At);
            Assert.InRange(byClient[client].Count(sample => sample.Status == 200), 1, _fenced.Burst + (int)Math.Ceiling(elapsed.TotalSeconds * _fenced.PerSecond));
        });
    }
}
