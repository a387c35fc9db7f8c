using System.Text.Json;
using AuthCluster.ServerTests.Session;

namespace AuthCluster.ServerTests.Keys;

/// <summary>RFC 8414: the document from which a stock library learns all the rest.</summary>
public sealed class MetadataTests(SharedServer server) : IDisposable
{
    private const string Path = "/.well-known/oauth-authorization-server";

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_document_names_the_issuer_and_what_works_here()
    {
        using var answer = await _http.GetAsync(Path, Cancellation);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        var root = document.RootElement;

        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(server.Issuer, root.GetProperty("issuer").GetString());
        Assert.Equal(server.Issuer + "/oauth/token", root.GetProperty("token_endpoint").GetString());
        Assert.Equal(server.Issuer + "/.well-known/jwks.json", root.GetProperty("jwks_uri").GetString());
        Assert.Equal(["client_credentials"], Strings(root, "grant_types_supported"));
        Assert.Equal(["client_secret_basic", "client_secret_post"], Strings(root, "token_endpoint_auth_methods_supported").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_document_lists_nothing_of_flows_that_this_server_does_not_have()
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync(Path, Cancellation));

        foreach (var absent in (string[])["authorization_endpoint", "registration_endpoint", "tls_client_certificate_bound_access_tokens", "dpop_signing_alg_values_supported"])
        {
            Assert.False(document.RootElement.TryGetProperty(absent, out _), absent);
        }

        Assert.Empty(Strings(document.RootElement, "response_types_supported"));
    }

    [Fact]
    public async Task Every_URL_in_the_document_answers()
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync(Path, Cancellation));
        var urls = document.RootElement.EnumerateObject().Where(member => member.Name is "jwks_uri" || member.Name.EndsWith("_endpoint", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(urls);
        foreach (var url in urls)
        {
            using var answer = await _http.GetAsync(url.Value.GetString(), Cancellation);
            Assert.Contains((int)answer.StatusCode, (int[])[200, 405]);
        }
    }

    [Fact]
    public async Task The_openid_configuration_has_the_same_members_and_the_two_more_that_OpenID_tools_require()
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync(Path, Cancellation));
        using var openId = JsonDocument.Parse(await _http.GetStringAsync("/.well-known/openid-configuration", Cancellation));
        using var keys = JsonDocument.Parse(await _http.GetStringAsync("/.well-known/jwks.json", Cancellation));

        Assert.Equal(["public"], Strings(openId.RootElement, "subject_types_supported"));
        Assert.Equal(
            keys.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("alg").GetString()).Distinct(StringComparer.Ordinal),
            Strings(openId.RootElement, "id_token_signing_alg_values_supported"));
        Assert.Equal(
            document.RootElement.EnumerateObject().Select(member => member.ToString()),
            openId.RootElement.EnumerateObject()
                .Where(member => member.Name is not ("subject_types_supported" or "id_token_signing_alg_values_supported"))
                .Select(member => member.ToString()));
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("X-Forwarded-Host", "evil.example")]
    [InlineData("X-Forwarded-Proto", "https")]
    [InlineData("Forwarded", "host=evil.example;proto=https")]
    public async Task Request_headers_change_nothing_in_the_document(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.TryAddWithoutValidation(header, value);

        using var answer = await _http.SendAsync(request, Cancellation);

        Assert.Equal(await _http.GetStringAsync(Path, Cancellation), await answer.Content.ReadAsStringAsync(Cancellation));
    }

    private static IEnumerable<string?> Strings(JsonElement root, string member) => root.GetProperty(member).EnumerateArray().Select(item => item.GetString());

    public void Dispose() => _http.Dispose();
}
