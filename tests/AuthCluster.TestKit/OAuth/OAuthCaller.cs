using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>Sends requests to the introspection, the revocation and the feed endpoint.</summary>
public sealed class OAuthCaller(Uri server) : IDisposable
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        BaseAddress = server,
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>Asks about a token, the client in a Basic header; <paramref name="more"/> is appended to the form as it is.</summary>
    public Task<TokenAnswer> IntrospectAsync(TestClient client, string token, string more = "") =>
        FormAsync("/oauth/introspect", "token=" + Uri.EscapeDataString(token) + more, TokenEndpointCaller.BasicHeader(client));

    /// <summary>Revokes a token, the client in a Basic header.</summary>
    public Task<TokenAnswer> RevokeAsync(TestClient client, string token, string more = "") =>
        FormAsync("/oauth/revoke", "token=" + Uri.EscapeDataString(token) + more, TokenEndpointCaller.BasicHeader(client));

    /// <summary>Whether the caller is told that a token is active.</summary>
    public async Task<bool> IsActiveAsync(TestClient client, string token)
    {
        var answer = await IntrospectAsync(client, token);
        Assert.True(answer.Status == 200, answer.Body);
        return answer.Json.GetProperty("active").GetBoolean();
    }

    /// <summary>Sends a form as it is.</summary>
    public async Task<TokenAnswer> FormAsync(string path, string form, string? authorization = null, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post, path)
        {
            Content = method == HttpMethod.Get ? null : new StringContent(form, Encoding.UTF8, new MediaTypeHeaderValue("application/x-www-form-urlencoded")),
        };
        return await SendAsync(request, authorization);
    }

    /// <summary>Reads the feed of revocations.</summary>
    public async Task<TokenAnswer> FeedAsync(TestClient client, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/oauth/revocations" + query);
        return await SendAsync(request, TokenEndpointCaller.BasicHeader(client));
    }

    /// <summary>Reads the feed from a cursor to its end.</summary>
    public async Task<(List<JsonElement> Items, string Next)> FeedToEndAsync(TestClient client, string? after = null)
    {
        var all = new List<JsonElement>();
        while (true)
        {
            var page = await FeedAsync(client, after is null ? "" : "?after=" + Uri.EscapeDataString(after));
            Assert.True(page.Status == 200, page.Body);
            after = page.Json.GetProperty("next").GetString()!;
            var items = page.Json.GetProperty("items").EnumerateArray().ToList();
            if (items.Count == 0)
            {
                return (all, after);
            }

            all.AddRange(items);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Http.Dispose();

    private async Task<TokenAnswer> SendAsync(HttpRequestMessage request, string? authorization)
    {
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using var response = await Http.SendAsync(request, Cancellation);
        return await TokenAnswer.ReadAsync(response, Cancellation);
    }
}
