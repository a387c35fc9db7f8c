using System.Text;
using System.Text.Json;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Session;

/// <summary>An answer of an OAuth endpoint; status 0 when there was none.</summary>
public sealed record OAuthAnswer(int Status, string Body, TimeSpan? RetryAfter)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>Whether it says that the token is active; null when it does not say.</summary>
    public bool? Active => Status == 200 ? Json.GetProperty("active").GetBoolean() : null;

    public override string ToString() => $"{Status}: {Body}";
}

/// <summary>Introspects, revokes and reads the feed at any server of a cluster, with Basic authentication.</summary>
public sealed class OAuthCaller : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        Timeout = TimeSpan.FromSeconds(40),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Asks about a token.</summary>
    public Task<OAuthAnswer> IntrospectAsync(ServerProcess node, TestClient client, string token) => FormAsync(node, client, "/oauth/introspect", token);

    /// <summary>Revokes a token.</summary>
    public Task<OAuthAnswer> RevokeAsync(ServerProcess node, TestClient client, string token) => FormAsync(node, client, "/oauth/revoke", token);

    /// <summary>Reads a page of the feed.</summary>
    public Task<OAuthAnswer> FeedAsync(ServerProcess node, TestClient client, string? after = null, int wait = 0) =>
        SendAsync(node, client, new HttpRequestMessage(HttpMethod.Get, $"/oauth/revocations?wait={wait}" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}")));

    /// <summary>Reads the feed from a place to its end.</summary>
    public async Task<(List<JsonElement> Items, string Next)> FeedToEndAsync(ServerProcess node, TestClient client, string? after = null)
    {
        var all = new List<JsonElement>();
        while (true)
        {
            var page = await FeedAsync(node, client, after);
            Assert.True(page.Status == 200, page.ToString());
            after = page.Json.GetProperty("next").GetString()!;
            var items = page.Json.GetProperty("items").EnumerateArray().ToList();
            if (items.Count == 0)
            {
                return (all, after);
            }

            all.AddRange(items);
        }
    }

    public void Dispose() => _http.Dispose();

    private Task<OAuthAnswer> FormAsync(ServerProcess node, TestClient client, string path, string token) =>
        SendAsync(node, client, new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent([new("token", token)]) });

    private async Task<OAuthAnswer> SendAsync(ServerProcess node, TestClient client, HttpRequestMessage request)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(client);
        using (request)
        {
            request.RequestUri = new Uri(node.Address, request.RequestUri!);
            request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"{client.Id}:{client.Secret}")));
            try
            {
                using var answer = await _http.SendAsync(request, Cancellation);
                return new OAuthAnswer((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation), answer.Headers.RetryAfter?.Delta);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                return new OAuthAnswer(0, e.Message, null);
            }
        }
    }
}
