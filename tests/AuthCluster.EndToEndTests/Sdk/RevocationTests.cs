using System.Diagnostics;
using AuthCluster.Client.AspNetCore;
using AuthCluster.Client.Introspection;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>How soon an API refuses what was revoked at the real server.</summary>
[Collection(WithSdkServer.Name)]
public sealed class RevocationTests(SdkServer server) : IDisposable
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly OAuthCaller _caller = new(server.Process.Address);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("revoke")]
    [InlineData("revoke-tokens")]
    [InlineData("disable")]
    [InlineData("delete")]
    [InlineData("revoke-tokens of all")]
    public async Task An_API_refuses_a_token_within_a_second_of_its_revocation(string how)
    {
        await using var api = await GuardedApi.StartAsync(server.Issuer);
        var client = await server.NewCallerAsync();
        var token = await TokenAsync(client);
        Assert.Equal(200, await api.StatusAsync(token));

        await RevokeAsync(how, client, token);
        var revoked = Stopwatch.GetTimestamp();
        await Eventually.HoldsAsync("the API refuses the token", Deadline, async () => await api.StatusAsync(token) == 401, Cancellation);
        var after = Stopwatch.GetElapsedTime(revoked);

        TestContext.Current.TestOutputHelper?.WriteLine($"{how}: refused {after.TotalMilliseconds:f0} ms after the answer");
        Assert.InRange(after, TimeSpan.Zero, Promised);
        Assert.Equal(401, await api.StatusAsync(token));
    }

    [Fact]
    public async Task An_API_that_asks_about_each_token_refuses_a_revoked_one_at_the_next_call()
    {
        await using var api = await GuardedApi.StartAsync(server.Issuer, jwt => jwt.Introspect(WhenUnknown.Refuse, new IntrospectionOptions { CacheFor = TimeSpan.Zero }));
        var token = await TokenAsync(SdkServer.Caller);
        Assert.Equal(200, await api.StatusAsync(token));

        await RevokeAsync("revoke", SdkServer.Caller, token);

        Assert.Equal(401, await api.StatusAsync(token));
    }

    [Fact]
    public async Task A_caller_whose_token_was_revoked_gets_another_and_its_call_succeeds()
    {
        await using var api = await GuardedApi.StartAsync(server.Issuer);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Caller, api: api.Address);
        Assert.Equal(200, await application.CallAsync());
        var first = (await application.TokenAsync()).Value;

        await RevokeAsync("revoke", SdkServer.Caller, first);
        await Eventually.HoldsAsync("the API refuses the token", Deadline, async () => await api.StatusAsync(first) == 401, Cancellation);

        Assert.Equal(200, await application.CallAsync());
        Assert.NotEqual(first, (await application.TokenAsync()).Value);
    }

    [Fact]
    public async Task An_API_reads_all_pages_of_the_feed_before_it_accepts_the_first_token()
    {
        const int More = 1_100; // a page has a thousand items
        using var tokens = new TokenEndpointCaller(server.Process.Address);
        var revoked = new string[More];
        await Parallel.ForAsync(0, More, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (i, _) =>
        {
            revoked[i] = (await tokens.PostAsync(SdkServer.Caller)).Token;
            Assert.Equal(200, (await _caller.RevokeAsync(SdkServer.Caller, revoked[i])).Status);
        });
        var good = await TokenAsync(SdkServer.Caller);

        await using var api = await GuardedApi.StartAsync(server.Issuer);
        var statuses = await Task.WhenAll(revoked.Select(api.StatusAsync));

        Assert.All(statuses, status => Assert.Equal(401, status));
        Assert.Equal(200, await api.StatusAsync(good));
        var (items, _) = await _caller.FeedToEndAsync(SdkServer.Api);
        Assert.Equal(items.Count, items.Select(item => $"{item.GetProperty("kind")} {item.GetProperty("value")} {item.GetProperty("gen")}").Distinct().Count());
        Assert.True(items.Count >= More, $"{items.Count} items");
    }

    public void Dispose() => _caller.Dispose();

    private async Task RevokeAsync(string how, TestClient client, string token)
    {
        if (how == "revoke")
        {
            Assert.Equal(200, (await _caller.RevokeAsync(client, token)).Status);
            return;
        }

        var (method, path) = how switch
        {
            "delete" => (HttpMethod.Delete, $"/clients/{client.Id}"),
            "revoke-tokens of all" => (HttpMethod.Post, "/revoke-tokens"),
            _ => (HttpMethod.Post, $"/clients/{client.Id}/{how}"),
        };
        await server.AdminAsync(method, path);
    }

    private async Task<string> TokenAsync(TestClient client)
    {
        using var caller = new TokenEndpointCaller(server.Process.Address);
        return (await caller.PostAsync(client)).Token;
    }
}
