using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Revocation;

/// <summary>While the database is away, a question about a token of a client that is not in memory gets 503, and never a guess.</summary>
public sealed class StorageAwayTests
{
    private const string Audience = "https://api.example";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Introspection_revocation_and_feed_answer_503_with_Retry_After_for_what_is_not_in_memory()
    {
        var (api, coldApi, warm, cold) = (TestClient.New("api"), TestClient.New("cold-api"), TestClient.New("warm"), TestClient.New("cold"));
        var database = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await using var proxy = new TcpProxy(database);
        await using var cluster = ClusterUnderTest.Through(
            proxy,
            database,
            [
                .. ((TestClient[])[api, coldApi]).Select(client => client.Document($$"""{ "introspects": ["{{Audience}}"] }""")),
                .. ((TestClient[])[warm, cold]).Select(client => client.Document($$"""{ "audiences": ["{{Audience}}"] }""")),
            ]);
        var node = (await cluster.StartNodesAsync(1))[0];
        using var caller = new Caller();
        var warmToken = await caller.TokenAsync(node, warm);
        var coldToken = await caller.TokenAsync(node, cold);
        // A start leaves every client that it created in memory. After the next start, a client that nobody asked for is cold.
        await node.StopAsync(Cancellation);
        node["AuthCluster:Bootstrap:ClientsFile"] = null;
        await node.StartAsync(Cancellation);
        Assert.True((await caller.At(node).IntrospectAsync(api, warmToken)).Active);
        await caller.TokenAsync(node, warm);

        proxy.Set(ProxyMode.Refuse);

        Unavailable(await caller.At(node).IntrospectAsync(api, coldToken));
        Unavailable(await caller.At(node).IntrospectAsync(coldApi, warmToken));
        Unavailable(await caller.At(node).RevokeAsync(cold, coldToken));
        Unavailable(await caller.At(node).RevokeAsync(warm, warmToken));
        Unavailable(await caller.At(node).FeedAsync(api));
        Unavailable(await caller.At(node).FeedAsync(api, "?wait=5"));

        proxy.Set(ProxyMode.Forward);
        await Eventually.HoldsAsync("all is known again", TimeSpan.FromSeconds(20), async () => (await caller.At(node).IntrospectAsync(api, coldToken)).Active == true, Cancellation);
        Assert.Equal(200, (await caller.At(node).RevokeAsync(cold, coldToken)).Status);
        Assert.False((await caller.At(node).IntrospectAsync(coldApi, coldToken)).Active);
        // A call that got 503 was not carried out: its caller has to repeat it.
        Assert.True((await caller.At(node).IntrospectAsync(api, warmToken)).Active);
        Assert.Single((await caller.At(node).FeedToEndAsync(api)).Items);
    }

    private static void Unavailable(TokenAnswer answer)
    {
        Assert.True(answer.Status == 503, answer.ToString());
        Assert.Equal("temporarily_unavailable", answer.Json.GetProperty("error").GetString());
        Assert.True(answer.RetryAfter > TimeSpan.Zero);
    }
}
