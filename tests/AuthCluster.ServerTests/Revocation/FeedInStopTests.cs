using System.Diagnostics;
using System.Text.Json.Nodes;
using AuthCluster.ServerKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Revocation;

/// <summary>Readers of the feed whose answer is being held while the server stops.</summary>
public sealed class FeedInStopTests
{
    private static readonly TestClient Reader = TestClient.New("reader");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("00:00:00")]
    [InlineData("00:00:03")]
    public async Task A_stopping_server_answers_held_feed_requests_at_once_with_the_cursor_that_was_sent(string drainDelay)
    {
        await using var server = new InProcessServer { ["AuthCluster:Http:DrainDelay"] = drainDelay };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(Reader, new() { ["introspects"] = new JsonArray("any") })));
        await server.StartAsync(Cancellation);
        using var caller = new OAuthCaller(server.Address);
        var (_, cursor) = await caller.FeedToEndAsync(Reader);
        var held = Enumerable.Range(0, 10).Select(_ => caller.FeedAsync(Reader, $"?wait=30&after={cursor}")).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        Assert.DoesNotContain(held, reader => reader.IsCompleted);

        await server.BeginStopAsync();
        var asked = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(held);

        Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.All(answers, answer =>
        {
            Assert.Equal(200, answer.Status);
            Assert.Empty(answer.Json.GetProperty("items").EnumerateArray());
            Assert.Equal(cursor, answer.Json.GetProperty("next").GetString());
        });
        Assert.Equal(0, await server.ExitAsync(Cancellation));
    }
}
