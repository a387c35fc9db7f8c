using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.AdminTests.Session;

/// <summary>Calls the admin API with one token.</summary>
public sealed class AdminCaller(HttpClient http, string? token)
{
    private const string Prefix = "/admin/v1";

    /// <summary>Sends a request.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string? mediaType = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, Prefix + path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(
                mediaType ?? (method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json"));
        }

        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content!.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> PostAsync(string path, string? body = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, null, headers);

    public Task<Answer> PutAsync(string path, string body, string? etag) =>
        etag is null ? SendAsync(HttpMethod.Put, path, body) : SendAsync(HttpMethod.Put, path, body, null, ("If-Match", etag));

    public Task<Answer> PatchAsync(string path, string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Patch, path, body, null, headers);

    public Task<Answer> DeleteAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Delete, path, null, null, headers);

    /// <summary>Creates a client, which must succeed.</summary>
    public async Task<(TestClient Client, Answer Answer)> CreateAsync(string id, JsonObject? more = null)
    {
        var document = more ?? [];
        document["clientId"] = id;
        var answer = await PostAsync("/clients", document.ToJsonString());
        Assert.True(answer.Status == 201, answer.ToString());
        return (new TestClient(id, answer.Json["secret"]?.GetValue<string>() ?? ""), answer);
    }
}

/// <summary>An answer, read to its end.</summary>
public sealed record Answer(int Status, string Body, string? ETag, string? Challenge, string? MediaType, string? Location, bool NotStored, string? RetryAfter)
{
    /// <summary>The body as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Body)!;

    /// <summary>The names of the fields in the problem.</summary>
    public IReadOnlyList<string> Fields => [.. Json["errors"]!.AsObject().Select(error => error.Key)];

    /// <summary>All headers but those of the content.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The value of a header; null for none.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The items of a list.</summary>
    public JsonArray Items => Json["items"]!.AsArray();

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            response.Headers.ETag?.ToString(),
            response.Headers.WwwAuthenticate.Count == 0 ? null : string.Join(", ", response.Headers.WwwAuthenticate.Select(value => value.ToString())),
            response.Content.Headers.ContentType?.MediaType,
            response.Headers.Location?.ToString(),
            response.Headers.CacheControl?.NoStore ?? false,
            response.Headers.RetryAfter?.ToString())
        {
            Headers = response.Headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Status}: {Body}";

    /// <summary>Fails unless the answer is a problem of this status (RFC 9457).</summary>
    public void Refused(int status)
    {
        Assert.True(status == Status, $"expected {status}, got {this}");
        Assert.Equal("application/problem+json", MediaType);
        Assert.Equal(status, Json["status"]!.GetValue<int>());
        Assert.NotEmpty(Json["detail"]!.GetValue<string>());
        Assert.True(NotStored);
        Assert.Equal(status == 503, RetryAfter is not null);
    }
}
