using System.Text;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>Requests that no decent client sends: each gets a clear 4xx or a closed connection, and the next caller notices nothing.</summary>
public sealed class HostileRequestTests(SharedServer server) : IAsyncDisposable
{
    private static readonly TestClient Client = PreparedClients.Usual;
    private static readonly string Good = $"grant_type=client_credentials&client_id={Client.Id}&client_secret={Client.Secret}";

    public static TheoryData<int, string> OddForms { get; } = new()
    {
        { 413, Good + "&filler=" + new string('x', 16 * 1024) },
        { 413, Good + "&filler=" + new string('x', 4 * 1024 * 1024) },
        { 413, Good + string.Concat(Enumerable.Range(0, 10_000).Select(i => $"&p{i}=1")) },
        { 413, Good + "&scope=" + new string('r', 64 * 1024) },
        { 400, "\0\0\0\0" },
        { 400, "\xff\xfe\xfd" },
        { 400, "%" },
        { 400, new string('&', 16_000) },
        { 400, new string('=', 16_000) },
        { 401, "grant_type=client_credentials&client_id=" + new string('a', 15_000) + "&client_secret=x" },
        { 401, "grant_type=client_credentials&client_id=usual&client_secret=" + new string('a', 15_000) },
        { 401, "grant_type=client_credentials&client_id=usual%00&client_secret=" + Client.Secret },
        { 401, "grant_type=client_credentials&client_id=us%0D%0Aual&client_secret=x" },
        { 401, "grant_type=client_credentials&client_id=%E2%80%AEusual&client_secret=x" },
        { 400, Good + "&scope=read%0D%0AX-Injected:%20yes" },
        { 400, Good + "&scope=\xff" },
        { 400, Good + "&resource=%00" },
        { 400, Good + "&resource=" + new string('a', 10_000) },
    };

    [Theory]
    [MemberData(nameof(OddForms))]
    public async Task An_odd_form_gets_the_status_that_names_what_is_wrong(int status, string form)
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest(form));

        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain(answer.HeaderLines, line => line.StartsWith("X-Injected", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("client_id=%ff%fe&client_secret=x")]
    [InlineData("client_id=usual&client_secret=%ff%fe")]
    [InlineData("client_id=usual&client_secret=\xff\xfe")]
    [InlineData("client_id=\xc3\x28&client_secret=x")]
    [InlineData("client_id=\0&client_secret=\0")]
    public async Task Bytes_that_are_no_UTF_8_are_a_client_error(string credentials)
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest("grant_type=client_credentials&" + credentials));

        Assert.Contains(answer.Status, (int[])[400, 401]);
        Assert.Contains("\"error\"", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thousands_of_unknown_parameters_within_the_size_are_ignored()
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest(Good + string.Concat(Enumerable.Repeat("&a=1", 3_900))));

        Assert.Equal(200, answer.Status);
    }

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(33 * 1024)]
    public async Task A_head_of_more_than_32_KiB_is_too_large(int size)
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest(Good, "X-Filler: " + new string('x', size)));

        Assert.Equal(431, answer.Status);
    }

    [Fact]
    public async Task A_head_of_a_thousand_lines_is_too_large()
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest(Good, [.. Enumerable.Range(0, 1_000).Select(i => $"X-{i}: 1")]));

        Assert.Equal(431, answer.Status);
    }

    [Fact]
    public async Task A_head_of_30_KiB_is_read() =>
        Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good, "X-Filler: " + new string('x', 30 * 1024)))).Status);

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("nonsense")]
    public async Task A_body_with_a_content_encoding_is_not_inflated(string encoding)
    {
        var answer = await ExchangeAsync(RawConnection.TokenRequest(Good, "Content-Encoding: " + encoding));

        Assert.Equal(415, answer.Status);
        Assert.Equal("identity", answer.Header("Accept-Encoding"));
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("")]
    public async Task A_body_whose_content_encoding_encodes_nothing_is_read(string encoding) =>
        Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good, "Content-Encoding: " + encoding))).Status);

    [Fact]
    public async Task A_chunked_body_is_read()
    {
        var answer = await ExchangeAsync(Chunked([Good[..10], Good[10..]]));

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task A_chunked_body_past_16_KiB_is_too_large()
    {
        var answer = await ExchangeAsync(Chunked([Good, .. Enumerable.Repeat("&a=" + new string('x', 1_000), 17)]));

        Assert.Equal(413, answer.Status);
    }

    [Fact]
    public async Task A_caller_that_expects_100_Continue_gets_it_and_then_the_token()
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync(RawConnection.TokenRequest(Good, "Expect: 100-continue")[..^Good.Length]);

        Assert.Equal(100, (await connection.ReadAnswerAsync()).Status);

        await connection.WriteAsync(Good);
        Assert.Equal(200, (await connection.ReadAnswerAsync()).Status);
    }

    [Fact]
    public async Task An_HTTP_1_0_caller_gets_a_token_and_a_closed_connection()
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync(RawConnection.TokenRequest(Good).Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));

        Assert.Equal(200, (await connection.ReadAnswerAsync()).Status);
        Assert.True(await connection.IsClosedByServerAsync());
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_their_order()
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        var wrong = Good + "x";
        await connection.WriteAsync(string.Concat(
            RawConnection.TokenRequest(Good), RawConnection.TokenRequest(wrong), RawConnection.TokenRequest(Good + "&scope=none"), RawConnection.TokenRequest(Good)));

        List<int> statuses = [];
        for (var i = 0; i < 4; i++)
        {
            statuses.Add((await connection.ReadAnswerAsync()).Status);
        }

        Assert.Equal([200, 401, 400, 200], statuses);
    }

    public static TheoryData<string> BrokenHttp { get; } =
    [
        "nonsense\r\n\r\n",
        "POST /oauth/token HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "POST /oauth/token HTTP/1.1\r\n\r\n",
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n",
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nX-Nul: a\0b\r\n\r\n",
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nzz\r\n",
        "POST /oauth/%00token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    ];

    [Theory]
    [MemberData(nameof(BrokenHttp))]
    public async Task Broken_HTTP_is_a_client_error_or_a_closed_connection(string bytes)
    {
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync(bytes);
        connection.EndOfRequest();

        var answer = await connection.ReadToEndAsync();

        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), answer);
    }

    [Fact]
    public async Task The_server_issues_tokens_after_connections_were_cut_in_the_middle()
    {
        for (var cut = 1; cut < 60; cut++)
        {
            using var connection = await RawConnection.OpenAsync(server.Address);
            var request = RawConnection.TokenRequest(Good);
            await connection.WriteAsync(request[..(request.Length * cut / 60)]);
            if (cut % 2 == 0)
            {
                connection.Reset();
            }
        }

        Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good))).Status);
    }

    [Fact]
    public async Task The_server_issues_tokens_while_callers_leave_their_answers_unread()
    {
        List<RawConnection> deaf = [];
        for (var i = 0; i < 50; i++)
        {
            var connection = await RawConnection.OpenAsync(server.Address);
            await connection.WriteAsync(string.Concat(Enumerable.Repeat(RawConnection.TokenRequest(Good), 10)));
            deaf.Add(connection);
        }

        Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good))).Status);
        deaf.ForEach(connection => connection.Reset());
        Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good))).Status);
    }

    [Fact]
    public async Task Unfinished_forms_of_two_thousand_callers_hold_no_slot()
    {
        List<RawConnection> unfinished = [];
        try
        {
            for (var i = 0; i < 2_200; i++)
            {
                var connection = await RawConnection.OpenAsync(server.Address);
                unfinished.Add(connection);
                await connection.WriteAsync(RawConnection.TokenRequest(Good)[..^5]);
            }

            Assert.Equal(200, (await ExchangeAsync(RawConnection.TokenRequest(Good))).Status);
        }
        finally
        {
            unfinished.ForEach(connection => connection.Dispose());
        }
    }

    /// <summary>After every test here: the server is ready, and did not log as its own fault what an outsider sent.</summary>
    public async ValueTask DisposeAsync()
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.True((await http.GetAsync("/health/ready", CancellationToken.None)).IsSuccessStatusCode);
        Assert.DoesNotContain("failed unexpectedly", server.Output, StringComparison.Ordinal);
    }

    private Task<RawAnswer> ExchangeAsync(string request) => RawConnection.ExchangeAsync(server.Address, request);

    private static string Chunked(IEnumerable<string> chunks)
    {
        var request = new StringBuilder("POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n");
        foreach (var chunk in chunks)
        {
            request.Append(System.Globalization.CultureInfo.InvariantCulture, $"{chunk.Length:x}\r\n{chunk}\r\n");
        }

        return request.Append("0\r\n\r\n").ToString();
    }
}
