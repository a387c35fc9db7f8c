using System.Text.Json;
using AuthCluster.ServerTests.Session;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.ServerTests.Keys;

/// <summary>RFC 7517 and RFC 7638: the key set that verifiers fetch and cache.</summary>
public sealed class PublishedKeysTests(SharedServer server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server.Address };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_set_may_be_cached_for_ten_minutes_at_most()
    {
        using var answer = await _http.GetAsync("/.well-known/jwks.json", Cancellation);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Contains(answer.Content.Headers.ContentType?.MediaType, (string[])["application/json", "application/jwk-set+json"]);
        Assert.True(answer.Headers.CacheControl?.Public);
        Assert.InRange(answer.Headers.CacheControl!.MaxAge!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Assert.NotNull(answer.Headers.ETag);
    }

    [Fact]
    public async Task A_verifier_that_has_the_present_key_set_gets_304()
    {
        using var first = await _http.GetAsync("/.well-known/jwks.json", Cancellation);
        var tag = first.Headers.ETag!.ToString();

        foreach (var known in (string[])[tag, "*", $"\"another\", {tag}", "W/" + tag])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/.well-known/jwks.json");
            request.Headers.TryAddWithoutValidation("If-None-Match", known);
            using var again = await _http.SendAsync(request, Cancellation);

            Assert.Equal(304, (int)again.StatusCode);
            Assert.Equal(tag, again.Headers.ETag?.ToString());
            Assert.Empty(await again.Content.ReadAsByteArrayAsync(Cancellation));
        }
    }

    [Fact]
    public async Task A_verifier_that_has_another_key_set_gets_the_present_one()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/.well-known/jwks.json");
        request.Headers.TryAddWithoutValidation("If-None-Match", "\"another\"");

        using var answer = await _http.SendAsync(request, Cancellation);

        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Every_key_is_public_and_named_by_its_thumbprint()
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync("/.well-known/jwks.json", Cancellation));
        var keys = document.RootElement.GetProperty("keys").EnumerateArray().ToList();

        // The set has the key that signs and the next one, so that verifiers know the next key long before it is used.
        Assert.True(keys.Count >= 2);
        Assert.Equal(keys.Count, keys.Select(key => key.GetProperty("kid").GetString()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(keys, key =>
        {
            Assert.Equal("sig", key.GetProperty("use").GetString());
            Assert.Equal("ES256", key.GetProperty("alg").GetString());
            Assert.Equal("EC", key.GetProperty("kty").GetString());
            Assert.Equal("P-256", key.GetProperty("crv").GetString());
            Assert.Equal(43, key.GetProperty("x").GetString()!.Length);
            Assert.Equal(43, key.GetProperty("y").GetString()!.Length);
            Assert.DoesNotContain(key.EnumerateObject(), member => member.Name is "d" or "p" or "q" or "dp" or "dq" or "qi" or "k");
            Assert.Equal(Base64UrlEncoder.Encode(new JsonWebKey(key.GetRawText()).ComputeJwkThumbprint()), key.GetProperty("kid").GetString());
        });
    }

    [Fact]
    public async Task The_set_can_be_asked_for_by_HEAD()
    {
        using var answer = await _http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/.well-known/jwks.json"), Cancellation);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Cancellation));
    }

    public void Dispose() => _http.Dispose();
}
