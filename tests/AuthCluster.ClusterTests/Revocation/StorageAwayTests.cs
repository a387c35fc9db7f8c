using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Revocation;

/// <summary>While the database is away, a question about a token of a client that is not in memory gets 503, and never a guess.</summary>
[Collection(nameof(ClusterBehindProxy))]
public sealed class StorageAwayTests(ClusterBehindProxy behindProxy)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Introspection_revocation_and_feed_answer_503_with_Retry_After_for_what_is_not_in_memory()
    {
        var (cluster, proxy) = await behindProxy.OnAsync(DatabaseKind.PostgreSql);
        var (api, coldApi, warm, cold, coldToken) = (behindProxy.Apis[0], behindProxy.Apis[1], behindProxy.Asked, behindProxy.Cold, behindProxy.ColdToken);
        var node = cluster.Nodes[0];
        using var caller = new Caller();
        var warmToken = await caller.TokenAsync(node, warm);
        Assert.True((await caller.At(node).IntrospectAsync(api, warmToken)).Active);

        proxy.Set(ProxyMode.Refuse);

        Unavailable(await caller.At(node).IntrospectAsync(api, coldToken));
        Unavailable(await caller.At(node).IntrospectAsync(coldApi, warmToken));
        Unavailable(await caller.At(node).RevokeAsync(cold, coldToken));
        Unavailable(await caller.At(node).RevokeAsync(warm, warmToken));
        Unavailable(await caller.At(node).FeedAsync(api));
        Unavailable(await caller.At(node).FeedAsync(api, "?wait=5"));

        proxy.Set(ProxyMode.Forward);
        // Each silo finds out by itself, and each client may live in either.
        await Eventually.HoldsAsync(
            "all is known again",
            TimeSpan.FromSeconds(20),
            async () => (await caller.At(node).IntrospectAsync(api, coldToken)).Active == true
                && (await caller.At(node).IntrospectAsync(coldApi, warmToken)).Active == true
                && (await caller.At(node).FeedAsync(api)).Status == 200,
            Cancellation);
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
