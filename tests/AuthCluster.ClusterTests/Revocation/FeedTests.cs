using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AuthCluster.ClusterTests.Session;

namespace AuthCluster.ClusterTests.Revocation;

/// <summary>The feed of a cluster: the same at every server, and whole whichever of them dies.</summary>
public sealed class FeedTests
{
    private static readonly TestClient Api = TestClient.New("api");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reader_at_any_server_hears_within_a_second_what_was_revoked_at_another()
    {
        var client = TestClient.New("caller");
        await using var cluster = await StartAsync([client]);
        using var caller = new Caller();
        using var oauth = new OAuthCaller();
        var token = await caller.TokenAsync(cluster.Nodes[0], client);
        var cursor = (await oauth.FeedToEndAsync(cluster.Nodes[0], Api)).Next;
        var readers = cluster.Nodes.Select(async node => (Page: await oauth.FeedAsync(node, Api, cursor, wait: 30), At: Stopwatch.GetTimestamp())).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        Assert.DoesNotContain(readers, reader => reader.IsCompleted);

        Assert.Equal(200, (await oauth.RevokeAsync(cluster.Nodes[1], client, token)).Status);
        var revoked = Stopwatch.GetTimestamp();

        foreach (var (page, at) in await Task.WhenAll(readers))
        {
            Assert.Equal([IdOf(token)], page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("value").GetString()));
            // A reader may hear before the caller does.
            Assert.True(at <= revoked || Stopwatch.GetElapsedTime(revoked, at) < TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task A_reader_that_goes_from_server_to_server_misses_nothing_that_was_acknowledged_while_one_is_killed()
    {
        const int Writers = 6;
        var clients = TestClient.Many("caller", Writers);
        await using var cluster = await StartAsync(clients);
        using var caller = new Caller();
        using var oauth = new OAuthCaller();
        var acknowledged = new ConcurrentQueue<string>();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writers = clients.Select((client, i) => Task.Run(async () =>
        {
            for (var round = i; !done.IsCancellationRequested; round++)
            {
                // Servers 1 and 2 live on; while the cluster mends itself either may answer 503, which acknowledges nothing.
                var node = cluster.Nodes[1 + (round % 2)];
                if (await caller.TryTokenAsync(node, client) is { } token && (await oauth.RevokeAsync(node, client, token)).Status == 200)
                {
                    acknowledged.Enqueue(IdOf(token));
                }
            }
        }, Cancellation)).ToList();
        var heard = new List<string>();
        string? cursor = null;

        await ReadForAsync(TimeSpan.FromSeconds(3), 3);
        var before = acknowledged.Count;
        await cluster.Nodes[0].KillAsync();
        await ReadForAsync(TimeSpan.FromSeconds(8), 2);
        await done.CancelAsync();
        await Task.WhenAll(writers);
        await ReadForAsync(TimeSpan.FromSeconds(1), 2);

        Assert.True(before > Writers && acknowledged.Count > before, $"{before} and {acknowledged.Count} revocations");
        Assert.Empty(acknowledged.Except(heard, StringComparer.Ordinal));
        Assert.Equal(heard.Count, heard.Distinct(StringComparer.Ordinal).Count());

        async Task ReadForAsync(TimeSpan time, int servers)
        {
            var until = caller.Now + time;
            for (var turn = 0; caller.Now < until; turn++)
            {
                var page = await oauth.FeedAsync(cluster.Nodes[servers == 3 ? turn % 3 : 1 + (turn % 2)], Api, cursor);
                if (page.Status == 200)
                {
                    heard.AddRange(page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("value").GetString()!));
                    cursor = page.Json.GetProperty("next").GetString();
                }
            }
        }
    }

    private static Task<ClusterUnderTest> StartAsync(IEnumerable<TestClient> callers) =>
        ClusterUnderTest.StartAsync(3, [Api.Document("""{ "introspects": ["any"] }"""), .. callers.Select(client => client.Document())]);

    private static string IdOf(string token)
    {
        using var claims = JsonDocument.Parse(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1])));
        return claims.RootElement.GetProperty("jti").GetString()!;
    }
}
