using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 6749 §3.2 and RFC 9110: which methods a path answers.</summary>
public sealed class MethodTests(SharedServer server)
{
    private const string Form = "grant_type=client_credentials&client_id=usual";

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("BREW")]
    [InlineData("post")]
    [InlineData("Post")]
    public async Task The_token_endpoint_answers_POST_alone(string method)
    {
        var request = RawConnection.TokenRequest("", "Connection: close").Replace("POST", method, StringComparison.Ordinal);
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync(request);

        // Read to the end: the answer to HEAD announces a body that does not come.
        var answer = await connection.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 405 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nAllow: POST\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nCache-Control: no-store\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nPragma: no-cache\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_GET_with_good_credentials_in_the_query_gets_no_token()
    {
        var answer = await RawConnection.ExchangeAsync(server.Address,
            $"GET /oauth/token?{Form}&client_secret={PreparedClients.Usual.Secret} HTTP/1.1\r\nHost: localhost\r\n\r\n");

        Assert.Equal(405, answer.Status);
        Assert.DoesNotContain("access_token", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/.well-known/oauth-authorization-server")]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/.well-known/jwks.json")]
    public async Task The_published_documents_cannot_be_posted_to(string path)
    {
        var answer = await RawConnection.ExchangeAsync(server.Address, $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal(405, answer.Status);
        Assert.Contains("GET", answer.Header("Allow"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/oauth")]
    [InlineData("/oauth/authorize")]
    [InlineData("/.well-known/")]
    public async Task A_path_that_is_not_there_is_not_found(string path)
    {
        var answer = await RawConnection.ExchangeAsync(server.Address, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");

        Assert.Equal(404, answer.Status);
    }
}
