using System.Collections.Concurrent;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>One token request and what it met.</summary>
/// <param name="Client">The client, with the secret that it asked by.</param>
/// <param name="Generation">The generation of the token; 0 when there is none.</param>
/// <param name="Scope">The scope of the token.</param>
/// <param name="Sample">When it was sent and where, and the outcome.</param>
internal sealed record Asked(TestClient Client, long Generation, string Scope, Sample Sample)
{
    public TimeSpan Answered => Sample.At + Sample.Took;

    public bool IsIssued => Sample.Status == 200;
}

/// <summary>
/// What an answered write promises: no request of the client that is sent from now on is decided by the older state, until the write is undone.
/// </summary>
/// <param name="Write">What was written.</param>
/// <param name="Client">The client.</param>
/// <param name="From">When the write was answered.</param>
/// <param name="IsOlder">Whether a request was decided by the older state.</param>
/// <param name="Except">The HTTP ports of silos that the answer did not speak for.</param>
internal sealed record Promise(string Write, TestClient Client, TimeSpan From, Func<Asked, bool> IsOlder, IReadOnlySet<int> Except)
{
    /// <summary>When the write that undoes it was sent.</summary>
    public TimeSpan Until { get; set; } = TimeSpan.MaxValue;

    /// <summary>Whether the promise says something about this request. One that was answered after the promise's end may have met either state.</summary>
    public bool Covers(Asked asked) =>
        asked.Client == Client && asked.Sample.At >= From && asked.Answered <= Until && !Except.Contains(asked.Sample.Port);
}

/// <summary>
/// Asks every node for tokens, steadily, and remembers when each request was sent and what came of it; at the end it compares these with the
/// promises of the writes that were answered meanwhile.
/// </summary>
internal sealed class TokenWatch
{
    private const int MaxFocused = 6;

    private readonly Caller _caller;
    private readonly IReadOnlyList<ServerProcess> _nodes;
    private readonly IReadOnlyList<TestClient> _steady;
    private readonly ConcurrentBag<Asked> _asked = [];
    private readonly ConcurrentBag<Promise> _promises = [];
    private readonly Load _load;
    private TestClient[] _focused = [];

    private TokenWatch(Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> steady, int perSecond)
    {
        (_caller, _nodes, _steady) = (caller, nodes, steady);
        _load = Load.Start(caller, AskNextAsync, perSecond * nodes.Count);
    }

    /// <summary>The HTTP ports of the nodes that are asked.</summary>
    public IEnumerable<int> Ports => _nodes.Select(node => node.Port);

    /// <summary>Starts to ask.</summary>
    /// <param name="caller">Sends the requests.</param>
    /// <param name="nodes">The nodes that are asked, in turn.</param>
    /// <param name="steady">Clients that nobody writes.</param>
    /// <param name="perSecond">Requests to each node; half of them for the clients that were written last.</param>
    public static TokenWatch Start(Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> steady, int perSecond = 20) =>
        new(caller, nodes, steady, perSecond);

    /// <summary>Asks for this client, too, from now on.</summary>
    public void Focus(TestClient client) => _focused = [client, .. _focused.Where(other => other != client).Take(MaxFocused - 1)];

    /// <summary>Asks one node for a token, beside the steady requests.</summary>
    public async Task<Asked> AskAsync(ServerProcess node, TestClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/token") { Content = Caller.Form(client, ("grant_type", "client_credentials")) };
        var (generation, scope) = (0L, "");
        var sample = await _caller.AskAsync(node, request, body =>
        {
            var json = System.Text.Json.JsonElement.Parse(body);
            generation = Caller.GenerationOf(json.GetProperty("access_token").GetString()!);
            scope = json.GetProperty("scope").GetString()!;
            return true;
        });
        var asked = new Asked(client, generation, scope, sample);
        _asked.Add(asked);
        return asked;
    }

    /// <summary>Asks all nodes for a token.</summary>
    public Task<Asked[]> AskAllAsync(TestClient client) => Task.WhenAll(_nodes.Select(node => AskAsync(node, client)));

    /// <summary>Remembers what an answered write promises.</summary>
    /// <param name="write">What was written.</param>
    /// <param name="client">The client.</param>
    /// <param name="from">When the write was answered.</param>
    /// <param name="isOlder">Whether a request was decided by the older state.</param>
    /// <param name="except">The HTTP ports of silos that the answer did not speak for.</param>
    public Promise Promise(string write, TestClient client, TimeSpan from, Func<Asked, bool> isOlder, params IEnumerable<int> except)
    {
        var promise = new Promise(write, client, from, isOlder, except.ToHashSet());
        _promises.Add(promise);
        return promise;
    }

    /// <summary>Ends the requests and compares.</summary>
    public async Task<WatchReport> StopAsync()
    {
        await _load.StopAsync();
        return new WatchReport([.. _asked], [.. _promises], _steady.ToHashSet());
    }

    private async Task<Sample> AskNextAsync(int number)
    {
        var node = _nodes[number % _nodes.Count];
        var (round, focused) = (number / _nodes.Count, _focused);
        var client = round % 2 == 1 && focused.Length > 0 ? focused[round / 2 % focused.Length] : _steady[round / 2 % _steady.Count];
        return (await AskAsync(node, client)).Sample;
    }
}

/// <summary>What was asked and promised.</summary>
internal sealed record WatchReport(IReadOnlyList<Asked> Asked, IReadOnlyList<Promise> Promises, IReadOnlySet<TestClient> Steady)
{
    private ILookup<TestClient, Asked> ByClient { get; } = Asked.ToLookup(asked => asked.Client);

    /// <summary>The requests that broke a promise.</summary>
    public IReadOnlyList<string> Broken => [.. Promises.SelectMany(promise => ByClient[promise.Client]
        .Where(asked => promise.Covers(asked) && promise.IsOlder(asked))
        .Select(asked => $"{promise.Write} of {promise.Client}, answered at {promise.From.TotalSeconds:f2} s, did not hold for {asked.Sample}"))];

    /// <summary>How many requests the promises spoke about, at each port.</summary>
    public IReadOnlyDictionary<int, int> CoveredAt => Promises.SelectMany(promise => ByClient[promise.Client].Where(promise.Covers))
        .GroupBy(asked => asked.Sample.Port).ToDictionary(group => group.Key, group => group.Count());

    /// <summary>The requests of clients that nobody wrote which got no token, at nodes that should have given one.</summary>
    public IReadOnlyList<Asked> FailedAt(params IEnumerable<ServerProcess> sound)
    {
        var ports = sound.Select(node => node.Port).ToHashSet();
        return [.. Asked.Where(asked => Steady.Contains(asked.Client) && ports.Contains(asked.Sample.Port) && !asked.IsIssued)];
    }

    /// <summary>The figures in one line.</summary>
    public string Figures() =>
        $"{Asked.Count} token requests ({string.Join(", ", Asked.GroupBy(asked => asked.Sample.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} × {group.Key}"))}); "
        + $"{Promises.Count} promises spoke about {string.Join(" + ", CoveredAt.Values)} of them, {Broken.Count} broken";
}
