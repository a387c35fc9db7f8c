using AuthCluster.ServerTests.Session;

namespace AuthCluster.ServerTests.Keys;

/// <summary>Which answers a script of another origin may read (Fetch standard, CORS protocol): the published documents, and nothing else.</summary>
public sealed class CrossOriginTests(SharedServer server) : IDisposable
{
    private const string AllowOrigin = "Access-Control-Allow-Origin";

    private readonly HttpClient _http = new() { BaseAddress = server.Address };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/.well-known/oauth-authorization-server")]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/.well-known/jwks.json")]
    public async Task A_published_document_can_be_read(string path)
    {
        using var answer = await AskAsync(HttpMethod.Get, path);

        Assert.Equal(["*"], answer.Headers.GetValues(AllowOrigin));
    }

    [Theory]
    [InlineData("/oauth/token")]
    [InlineData("/oauth/introspect")]
    [InlineData("/oauth/revoke")]
    [InlineData("/oauth/revocations")]
    [InlineData("/admin/v1/clients")]
    [InlineData("/health/ready")]
    public async Task A_script_of_another_origin_can_read_no_other_answer_and_no_preflight_succeeds(string path)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post, HttpMethod.Options])
        {
            using var answer = await AskAsync(method, path);

            Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Origin", "https://app.example.net");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        return await _http.SendAsync(request, Cancellation);
    }
}
