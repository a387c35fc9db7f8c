using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Failure;

/// <summary>
/// The requests to a front end other than token requests, each kind in a stream of its own: introspection, revocation, the feed, an
/// administrator's read and write.
/// </summary>
internal sealed class OtherCalls
{
    /// <summary>The stream of an administrator's writes.</summary>
    public const string Write = "an administrator's write";

    private const int PerSecond = 4;

    private readonly Caller _caller;
    private readonly IReadOnlyList<ServerProcess> _nodes;
    private readonly IReadOnlyList<TestClient> _clients;
    private readonly IReadOnlyList<string> _lasting;
    private readonly IReadOnlyList<string> _toRevoke;
    private readonly TestClient _api;
    private readonly string _bearer;
    private readonly string _end;
    private int _revoked;

    private OtherCalls(
        Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> clients, IReadOnlyList<string> lasting, IReadOnlyList<string> toRevoke, TestClient api, string bearer, string end)
    {
        (_caller, _nodes, _clients, _lasting, _toRevoke) = (caller, nodes, clients, lasting, toRevoke);
        (_api, _bearer, _end) = (api, bearer, end);
    }

    /// <summary>Gets the tokens that the calls are about.</summary>
    public static async Task<OtherCalls> PrepareAsync(
        Caller caller, IReadOnlyList<ServerProcess> nodes, IReadOnlyList<TestClient> clients, TestClient api, TestClient admin)
    {
        const int ToRevoke = 100;
        var lasting = new List<string>();
        foreach (var client in clients)
        {
            lasting.Add(await caller.TokenAsync(nodes[0], client));
        }

        var toRevoke = new List<string>();
        for (var i = 0; i < ToRevoke; i++)
        {
            toRevoke.Add(await caller.TokenAsync(nodes[0], clients[i % clients.Count]));
        }

        var (_, end) = await caller.At(nodes[0]).FeedToEndAsync(api);
        return new OtherCalls(caller, nodes, clients, lasting, toRevoke, api, await caller.TokenAsync(nodes[0], admin), end);
    }

    /// <summary>Starts the streams.</summary>
    /// <param name="withWrites">Whether an administrator writes too. On SQL Server a silo that hangs keeps the locks that it holds until it is gone.</param>
    public IReadOnlyList<(string What, Load Load)> Start(bool withWrites) =>
    [
        ("introspection", Load.Start(_caller, IntrospectAsync, PerSecond)),
        ("revocation", Load.Start(_caller, RevokeAsync, PerSecond)),
        ("the feed", Load.Start(_caller, FeedAsync, PerSecond)),
        ("an administrator's read", Load.Start(_caller, ReadAsync, PerSecond)),
        .. withWrites ? [(Write, Load.Start(_caller, WriteAsync, PerSecond))] : Array.Empty<(string, Load)>(),
    ];

    /// <summary>Ends them and waits for the answers that are under way.</summary>
    public static async Task<IReadOnlyList<(string What, LoadReport Report)>> StopAsync(IReadOnlyList<(string What, Load Load)> streams)
    {
        var reports = await Task.WhenAll(streams.Select(stream => stream.Load.StopAsync()));
        return [.. streams.Zip(reports, (stream, report) => (stream.What, report))];
    }

    private Task<Sample> IntrospectAsync(int number)
    {
        var client = number % _clients.Count;
        return FormAsync(number, "/oauth/introspect", _clients[client], _lasting[client], body => body.Contains("\"active\":true", StringComparison.Ordinal));
    }

    private Task<Sample> RevokeAsync(int number)
    {
        var next = Interlocked.Increment(ref _revoked) - 1;
        return FormAsync(number, "/oauth/revoke", _clients[next % _clients.Count], _toRevoke[next % _toRevoke.Count]);
    }

    /// <summary>Half of the reads start at the end of the feed, where the server holds them until there is something new.</summary>
    private async Task<Sample> FeedAsync(int number)
    {
        var query = number % 2 == 0 ? "wait=0" : $"wait=1&after={Uri.EscapeDataString(_end)}";
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/oauth/revocations?{query}", UriKind.Relative));
        request.Headers.TryAddWithoutValidation("Authorization", TokenEndpointCaller.BasicHeader(_api));
        return await _caller.AskAsync(NodeOf(number), request);
    }

    private async Task<Sample> ReadAsync(int number)
    {
        using var request = Administer(HttpMethod.Get, number);
        return await _caller.AskAsync(NodeOf(number), request);
    }

    private async Task<Sample> WriteAsync(int number)
    {
        using var request = Administer(HttpMethod.Patch, number);
        request.Content = new StringContent(JsonSerializer.Serialize(new { name = $"write {number}" }), Encoding.UTF8, "application/merge-patch+json");
        return await _caller.AskAsync(NodeOf(number), request);
    }

    private HttpRequestMessage Administer(HttpMethod method, int number)
    {
        var request = new HttpRequestMessage(method, new Uri($"/admin/v1/clients/{_clients[number % _clients.Count].Id}", UriKind.Relative));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _bearer);
        return request;
    }

    private async Task<Sample> FormAsync(int number, string path, TestClient client, string token, Func<string, bool>? isRight = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = Caller.Form(client, ("token", token)) };
        return await _caller.AskAsync(NodeOf(number), request, isRight);
    }

    private ServerProcess NodeOf(int number) => _nodes[number % _nodes.Count];
}
