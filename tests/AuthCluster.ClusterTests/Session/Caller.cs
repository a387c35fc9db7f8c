using System.Diagnostics;
using System.Net;
using System.Text.Json;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Session;

/// <summary>The outcome of one request.</summary>
/// <param name="At">When it was sent, as the time since the caller was created.</param>
/// <param name="Took">How long the answer took.</param>
/// <param name="Status">The status code; 0 when there was no answer.</param>
/// <param name="What">The error code or the failure; empty for what was asked for.</param>
/// <param name="Port">The port of the server that it was sent to.</param>
/// <param name="RetryAfter">The header of that name; null when there was none.</param>
public sealed record Sample(TimeSpan At, TimeSpan Took, int Status, string What, int Port, TimeSpan? RetryAfter = null)
{
    public override string ToString() => $"{Status} {What} at {At.TotalSeconds:f2} s, took {Took.TotalSeconds:f2} s, port {Port}";
}

/// <summary>Sends requests to servers of a cluster, as plain HTTP.</summary>
public sealed class Caller : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
    })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private readonly Dictionary<Uri, OAuthCaller> _callers = [];
    private readonly long _start = Stopwatch.GetTimestamp();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The time since this caller was created.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(_start);

    /// <summary>The introspection, the revocation and the feed endpoint of a server.</summary>
    public OAuthCaller At(ServerProcess node)
    {
        ArgumentNullException.ThrowIfNull(node);
        lock (_callers)
        {
            return _callers.TryGetValue(node.Address, out var caller) ? caller : _callers[node.Address] = new OAuthCaller(node.Address);
        }
    }

    /// <summary>A form with the client's credentials.</summary>
    public static FormUrlEncodedContent Form(TestClient client, params (string Name, string Value)[] fields)
    {
        ArgumentNullException.ThrowIfNull(client);
        return new([.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value)), new("client_id", client.Id), new("client_secret", client.Secret)]);
    }

    /// <summary>Asks for a token; never throws for what the server does.</summary>
    public async Task<Sample> AskAsync(ServerProcess node, TestClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/token") { Content = Form(client, ("grant_type", "client_credentials")) };
        return await AskAsync(node, request);
    }

    /// <summary>Sends a request to a path of a server; never throws for what the server does.</summary>
    /// <param name="node">The server.</param>
    /// <param name="request">The request.</param>
    /// <param name="isRight">Whether the body of a 200 is what was asked for; null for any.</param>
    public async Task<Sample> AskAsync(ServerProcess node, HttpRequestMessage request, Func<string, bool>? isRight = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(request);
        var sent = Stopwatch.GetTimestamp();
        var at = Now;
        request.RequestUri = new Uri(node.Address, request.RequestUri!);
        try
        {
            using var answer = await _http.SendAsync(request, Cancellation);
            var body = await answer.Content.ReadAsStringAsync(Cancellation);
            var took = Stopwatch.GetElapsedTime(sent);
            var what = answer.StatusCode == HttpStatusCode.OK && isRight?.Invoke(body) != false ? "" : body;
            return new Sample(at, took, (int)answer.StatusCode, what, node.Port, answer.Headers.RetryAfter?.Delta);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !Cancellation.IsCancellationRequested))
        {
            return new Sample(at, Stopwatch.GetElapsedTime(sent), 0, $"{e.GetType().Name}: {e.Message}", node.Port);
        }
    }

    /// <summary>Asks for a token and returns it; anything else fails the test.</summary>
    public async Task<string> TokenAsync(ServerProcess node, TestClient client)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(client);
        using var content = Form(client, ("grant_type", "client_credentials"));
        using var answer = await _http.PostAsync(new Uri(node.Address, "/oauth/token"), content, Cancellation);
        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} {body}");
        using var json = JsonDocument.Parse(body);
        return json.RootElement.GetProperty("access_token").GetString()!;
    }

    /// <summary>The generation that a token carries.</summary>
    public static long GenerationOf(string token) => ClaimsOf(token).GetProperty("gen").GetInt64();

    /// <summary>The claims of a token, which is not checked.</summary>
    public static JsonElement ClaimsOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return JsonElement.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]));
    }

    /// <summary>Sends a request to a server.</summary>
    public Task<HttpResponseMessage> SendAsync(ServerProcess node, HttpMethod method, string path, string? bearer = null, string? json = null, string mediaType = "application/json", string? idempotencyKey = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        return SendAsync(node.Address, method, path, bearer, json, mediaType, idempotencyKey);
    }

    /// <summary>Sends a request to a listener.</summary>
    public Task<HttpResponseMessage> SendAsync(Uri address, HttpMethod method, string path, string? bearer = null, string? json = null, string mediaType = "application/json", string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(method, new Uri(address, path));
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        if (bearer is not null)
        {
            request.Headers.Authorization = new("Bearer", bearer);
        }

        if (json is not null)
        {
            request.Content = new StringContent(json, System.Text.Encoding.UTF8, mediaType);
        }

        return _http.SendAsync(request, Cancellation);
    }

    /// <summary>Reads a document; null when there is none to be had.</summary>
    public async Task<string?> TryGetAsync(ServerProcess node, string path)
    {
        try
        {
            using var answer = await SendAsync(node, HttpMethod.Get, path);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(Cancellation) : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !Cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Whether the server says that it is ready.</summary>
    public async Task<bool> IsReadyAsync(ServerProcess node) => await TryGetAsync(node, "/health/ready") is not null;

    /// <summary>The sum of a metric over its labels, of those lines that have <paramref name="label"/> in them.</summary>
    public async Task<double> MetricAsync(ServerProcess node, string name, string label = "")
    {
        var text = await TryGetAsync(node, "/metrics") ?? "";
        return text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _http.Dispose();
        foreach (var caller in _callers.Values)
        {
            caller.Dispose();
        }
    }
}
