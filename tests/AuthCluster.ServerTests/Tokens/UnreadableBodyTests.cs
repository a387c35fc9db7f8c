using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>
/// Bodies that can't be read (RFC 9112 sections 6 and 7): a caller that is still connected gets an answer, and never a success
/// without content.
/// </summary>
public sealed class UnreadableBodyTests(SharedServer server)
{
    internal const string Chunked = "Transfer-Encoding: chunked";
    private const string Token = "POST /oauth/token";

    /// <summary>The endpoints that read a body.</summary>
    internal static readonly string[] Readers = [Token, "POST /oauth/introspect", "POST /oauth/revoke", "POST /admin/v1/clients", "PUT /admin/v1/clients/usual", "PATCH /admin/v1/clients/usual"];

    /// <summary>Endpoints to which a body means nothing.</summary>
    private static readonly string[] Others =
    [
        "GET /health/live", "GET /health/ready", "GET /metrics", "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server",
        "GET /oauth/revocations", "GET /oauth/token", "GET /openapi/v1.json", "GET /admin/v1/clients", "DELETE /admin/v1/clients/nobody", "GET /nothing",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Header lines, and bytes after the head that are no valid body.</summary>
    public static TheoryData<string, string> BadBodies { get; } = new()
    {
        { Chunked, "80000000\r\n" },
        { Chunked, "80000003\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "FFFFFFFF\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "100000003\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "7fffffffffffffff\r\nabc" },
        { Chunked, new string('f', 40) + "\r\nabc" },
        { Chunked, "-1\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "0x3\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "three\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "\r\nabc\r\n0\r\n\r\n" },
        { Chunked, " 3\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "3\r\nabcdef\r\n0\r\n\r\n" },
        { Chunked, "3\r\nabc0\r\n\r\n" },
        { Chunked, "3;" + new string('x', 40_000) + "\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "3;name=\nvalue\r\nabc\r\n0\r\n\r\n" },
        { Chunked, "3\r\nabc\r\n0\r\nno trailer\r\n\r\n" },
        { Chunked, "3\r\nabc\r\n0\r\nX-Long: " + new string('x', 40_000) + "\r\n\r\n" },
        { "Content-Length: -1", "abc" },
        { "Content-Length: three", "abc" },
        { "Content-Length: 3, 3", "abc" },
        { "Content-Length: 99999999999999999999", "abc" },
        { "Content-Length: 9223372036854775807", "abc" },
        { "Content-Length: 3\r\nContent-Length: 4", "abcd" },
        { "Content-Length: 3\r\n" + Chunked, "80000003\r\nabc\r\n0\r\n\r\n" },
        { "Transfer-Encoding: chunked, identity", "abc" },
        { "Transfer-Encoding: identity", "abc" },
        { "Transfer-Encoding: gzip", "abc" },
        { Chunked + "\r\n" + Chunked, "80000003\r\nabc\r\n0\r\n\r\n" },
        { "Transfer-Encoding: chunked, chunked", "80000003\r\nabc\r\n0\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task An_endpoint_that_reads_a_body_answers_an_unreadable_one_with_a_client_error(string headers, string body)
    {
        var admin = await AdminTokenAsync();

        var answers = await Task.WhenAll(Readers.Select(async endpoint => (Endpoint: endpoint, Answer: await ExchangeAsync(endpoint, headers, body, admin))));

        Assert.All(answers, one => Assert.True(one.Answer.Status is >= 400 and < 500, $"{one.Endpoint}: {one.Answer.StatusLine} {one.Answer.Body}"));
    }

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task An_endpoint_that_reads_no_body_never_answers_a_bad_one_with_a_success_without_content(string headers, string body)
    {
        var answers = await Task.WhenAll(Others.Select(async endpoint => (Endpoint: endpoint, Answer: await ExchangeAsync(endpoint, headers, body, token: null))));

        Assert.All(answers, one =>
        {
            Assert.True(one.Answer.Status is >= 200 and < 500, $"{one.Endpoint}: {one.Answer.StatusLine} {one.Answer.Body}");
            Assert.False(one.Answer.Status < 300 && one.Answer.Body.Length == 0, $"{one.Endpoint}: {one.Answer.StatusLine}, without content");
        });
    }

    [Fact]
    public async Task A_form_whose_chunk_says_more_than_two_thousand_million_bytes_is_called_unreadable()
    {
        var answer = await ExchangeAsync(Token, Chunked, "80000003\r\nabc\r\n0\r\n\r\n", token: null);

        Assert.Equal(400, answer.Status);
        Assert.Contains("invalid_request", answer.Body, StringComparison.Ordinal);
        Assert.Equal("no-store", answer.Header("Cache-Control"));
    }

    private async Task<string> AdminTokenAsync() => (await server.TokenAsync(PreparedClients.Administrator)).Token;

    private async Task<RawAnswer> ExchangeAsync(string endpoint, string headers, string body, string? token)
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        try
        {
            await connection.WriteAsync(Request(endpoint, headers, body, token));
        }
        catch (IOException)
        {
            // The server answered on the head alone and closed: its answer is what counts.
        }

        return await connection.ReadAnswerAsync().WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
    }

    internal static string Request(string endpoint, string headers, string body, string? token)
    {
        var isAdmin = endpoint.Contains("/admin/", StringComparison.Ordinal);
        var type = !isAdmin ? "application/x-www-form-urlencoded"
            : endpoint.StartsWith("PATCH", StringComparison.Ordinal) ? "application/merge-patch+json"
            : "application/json";
        var authorization = isAdmin && token is not null ? $"Authorization: Bearer {token}\r\nIf-Match: *\r\n" : "";
        return $"{endpoint} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\n{authorization}{headers}\r\n\r\n{body}";
    }
}
