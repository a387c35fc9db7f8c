using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.UnitTests.Metadata;

/// <summary>The published documents over HTTP, for an issuer that has a path: where they are, and that scripts of other origins may read them (Fetch standard, CORS protocol).</summary>
public sealed class WellKnownEndpointsTests : IAsyncLifetime
{
    private static readonly byte[] EncryptionKey = RandomNumberGenerator.GetBytes(KeyWrap.KeyBytes);

    private readonly KeyRing _keys = new(EncryptionKey);
    private WebApplication? _app;
    private HttpClient? _http;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HttpClient Http => _http!;

    public static TheoryData<string> Documents =>
    [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/t1",
        "/t1/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/t1/.well-known/jwks.json",
    ];

    public async ValueTask InitializeAsync()
    {
        Assert.True(IssuerUri.TryParse("https://auth.example.com/t1", out var issuer, out _));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        new WellKnownEndpoints(_keys, issuer).Map(_app);
        await _app.StartAsync(Cancellation);
        _http = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Every_document_and_its_refusals_can_be_read_from_another_origin(string path)
    {
        if (!path.Contains("oauth-authorization-server", StringComparison.Ordinal))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadableAsync(HttpMethod.Get, path));
        }

        _keys.Update(Snapshot("ES256"));

        Assert.Equal(HttpStatusCode.OK, await ReadableAsync(HttpMethod.Get, path));
        Assert.Equal(HttpStatusCode.OK, await ReadableAsync(HttpMethod.Head, path));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await ReadableAsync(HttpMethod.Post, path));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await ReadableAsync(HttpMethod.Options, path));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task A_refused_method_is_told_the_two_methods_that_are_served(string path)
    {
        using var answer = await Http.PostAsync(path, null, Cancellation);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET", "HEAD"], answer.Content.Headers.Allow);
        Assert.Contains("GET and HEAD", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Every_document_is_served_while_the_keys_may_not_be_used(string path)
    {
        _keys.Update(Snapshot("ES256"));
        _keys.UseRight(new KeyLease(_keys, TimeProvider.System));
        Assert.False(_keys.MayUse);

        Assert.Equal(HttpStatusCode.OK, await ReadableAsync(HttpMethod.Get, path));
    }

    [Fact]
    public async Task An_unchanged_key_set_can_be_told_from_another_origin_too()
    {
        _keys.Update(Snapshot("ES256"));

        Assert.Equal(HttpStatusCode.NotModified, await ReadableAsync(HttpMethod.Get, "/.well-known/jwks.json", ("If-None-Match", "*")));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task A_script_with_headers_of_its_own_is_let_through_by_the_preflight(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        request.Headers.Add("Origin", "https://app.example.net");
        request.Headers.Add("Access-Control-Request-Method", "GET");
        request.Headers.Add("Access-Control-Request-Headers", "if-none-match");
        using var answer = await Http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Headers"));
        Assert.Contains("GET", answer.Headers.GetValues("Access-Control-Allow-Methods").Single(), StringComparison.Ordinal);
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task The_document_for_OpenID_tools_follows_the_algorithms_of_the_keys()
    {
        _keys.Update(Snapshot("ES256"));
        Assert.Equal(["ES256"], await AlgorithmsAsync());

        _keys.Update(Snapshot("ES256", "PS256"));

        Assert.Equal(["ES256", "PS256"], await AlgorithmsAsync());
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task<HttpStatusCode> ReadableAsync(HttpMethod method, string path, (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Origin", "https://app.example.net");
        if (header is var (name, value))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await Http.SendAsync(request, Cancellation);
        Assert.Equal(["*"], answer.Headers.GetValues("Access-Control-Allow-Origin"));
        return answer.StatusCode;
    }

    private async Task<IEnumerable<string?>> AlgorithmsAsync()
    {
        using var document = JsonDocument.Parse(await Http.GetStringAsync("/t1/.well-known/openid-configuration", Cancellation));
        return [.. document.RootElement.GetProperty("id_token_signing_alg_values_supported").EnumerateArray().Select(item => item.GetString())];
    }

    private static KeySnapshotRecord Snapshot(params string[] algorithms) => new([.. algorithms.Select((algorithm, index) => Key(algorithm, index == 0))], 0);

    private static SigningKeyRecord Key(string algorithm, bool isActive)
    {
        using AsymmetricAlgorithm key = algorithm == "ES256" ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2_048);
        return new SigningKeyRecord
        {
            Kid = algorithm,
            Algorithm = algorithm,
            State = isActive ? SigningKeyState.Active : SigningKeyState.Pending,
            WrappedPrivateKey = [.. KeyWrap.Wrap(EncryptionKey, KeyWrap.SigningKeyKind, algorithm, key.ExportPkcs8PrivateKey(), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes))],
            CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        };
    }
}
