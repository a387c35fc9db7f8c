using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace AuthCluster.TestKit.OAuth;

/// <summary>An answer of the token endpoint, read to its end.</summary>
public sealed record TokenAnswer(int Status, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, string Body)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The member <c>error</c>, or null.</summary>
    public string? Error => Json.TryGetProperty("error", out var error) ? error.GetString() : null;

    /// <summary>The access token of a 200.</summary>
    public string Token => Json.GetProperty("access_token").GetString()!;

    /// <summary>The claims of the access token, without any check.</summary>
    public JsonElement Claims => Part(1);

    /// <summary>The header of the access token.</summary>
    public JsonElement TokenHeader => Part(0);

    /// <summary>Whether a 200 says that the token is active (RFC 7662 section 2.2); null when the answer is no 200.</summary>
    public bool? Active => Status == 200 ? Json.GetProperty("active").GetBoolean() : null;

    /// <summary>The header of that name; null when there is none.</summary>
    public TimeSpan? RetryAfter => Headers.RetryAfter?.Delta;

    /// <summary>The granted scope.</summary>
    public string? Scope => Json.GetProperty("scope").GetString();

    /// <summary>A header's values joined as in the message, or null.</summary>
    public string? Header(string name) =>
        Headers.TryGetValues(name, out var values) || ContentHeaders.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    private JsonElement Part(int index) =>
        JsonElement.Parse(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(Token.Split('.')[index])));

    /// <inheritdoc/>
    public override string ToString() => $"{Status}: {Body}";

    /// <summary>Reads it.</summary>
    public static async Task<TokenAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        return new TokenAnswer((int)response.StatusCode, response.Headers, response.Content.Headers, body);
    }
}
