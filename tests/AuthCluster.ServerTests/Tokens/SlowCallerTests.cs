using System.Diagnostics;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>Callers whose bytes come late or never, and the time after which Kestrel gives them up.</summary>
[Collection(Waiting.Name)]
public sealed class SlowCallerTests(SharedServer server)
{
    private const string Chunked = UnreadableBodyTests.Chunked;

    private static readonly TestClient Client = PreparedClients.Usual;

    /// <summary>Header lines, and the beginning of a body.</summary>
    private static readonly (string Headers, string Body)[] Beginnings =
    [
        ("Content-Length: 500", "abc"),
        (Chunked, ""),
        (Chunked, "3\r\nabc"),
        (Chunked, "3\r\nabc\r\n0\r\n"),
    ];

    [Fact]
    public async Task A_head_or_a_body_that_trickles_in_is_cut_after_30_seconds()
    {
        using var head = await RawConnection.OpenAsync(server.Address);
        using var body = await RawConnection.OpenAsync(server.Address);
        await head.WriteAsync("POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n");
        await body.WriteAsync(RawConnection.TokenRequest($"grant_type=client_credentials&client_id={Client.Id}&client_secret={Client.Secret}")[..^20]);
        var start = Stopwatch.GetTimestamp();

        // One byte a second: enough that no idle time-out would see a silent connection.
        await Task.WhenAll(TrickleUntilClosedAsync(head, "X-Slow: "), TrickleUntilClosedAsync(body, ""));

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(45));
    }

    [Fact]
    public async Task An_endpoint_that_reads_a_body_answers_408_when_the_body_does_not_come()
    {
        var admin = (await server.TokenAsync(PreparedClients.Administrator)).Token;
        var requests = UnreadableBodyTests.Readers.SelectMany(endpoint => Beginnings.Select(beginning => (Endpoint: endpoint, beginning.Headers, beginning.Body)));

        var answers = await Task.WhenAll(requests.Select(async request =>
        {
            using var connection = await RawConnection.OpenAsync(server.Address);
            await connection.WriteAsync(UnreadableBodyTests.Request(request.Endpoint, request.Headers, request.Body, admin));
            return (Request: request, Answer: await connection.ReadAnswerAsync());
        }));

        Assert.All(answers, one => Assert.True(one.Answer.Status == 408, $"{one.Request}: {one.Answer.StatusLine}"));
    }

    private static async Task TrickleUntilClosedAsync(RawConnection connection, string first)
    {
        var closed = connection.ReadToEndAsync();
        var next = first;
        while (!closed.IsCompleted)
        {
            try
            {
                await connection.WriteAsync(next + "x");
            }
            catch (IOException)
            {
                break;
            }

            next = "";
            await Task.WhenAny(closed, Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
        }

        await closed;
    }
}
