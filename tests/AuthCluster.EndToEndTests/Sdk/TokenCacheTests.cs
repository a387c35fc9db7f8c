using AuthCluster.Client;
using AuthCluster.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>The SDK's cache with the real server: how often it asks the server, and when.</summary>
[Collection(WithSdkServer.Name)]
public sealed class TokenCacheTests(SdkServer server)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_parallel_callers_make_one_token_request()
    {
        await using var api = await GuardedApi.StartAsync(server.Issuer);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Caller, api: api.Address);
        var before = await server.Counter.CountAsync("issued");

        var statuses = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => Task.Run(application.CallAsync)));

        Assert.All(statuses, status => Assert.Equal(200, status));
        Assert.Equal(before + 1, await server.Counter.CountAsync("issued"));
    }

    [Fact]
    public async Task A_token_is_renewed_in_the_background_before_its_end_and_not_sooner()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Brief, clock);
        var before = await server.Counter.CountAsync("issued");
        var first = await application.TokenAsync();

        clock.Advance(TimeSpan.FromSeconds(45)); // a fifth of a minute before the end, and a fifth of that earlier: from 45.6 s on
        Assert.Same(first, await application.TokenAsync());
        Assert.Equal(before + 1, await server.Counter.CountAsync("issued"));

        clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Same(first, await application.TokenAsync());
        await Eventually.HoldsAsync("the token has been renewed", Deadline, async () => (await application.TokenAsync()).Value != first.Value, Cancellation);
        Assert.Equal(before + 2, await server.Counter.CountAsync("issued"));
    }

    [Fact]
    public async Task A_token_that_has_expired_is_never_handed_out()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Brief, clock);
        var first = await application.TokenAsync();

        clock.Advance(TimeSpan.FromMinutes(1));

        Assert.NotEqual(first.Value, (await application.TokenAsync()).Value);
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(5)]
    public async Task A_caller_whose_clock_is_hours_off_gets_tokens_that_work_and_keeps_them(int hours)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(hours));
        await using var api = await GuardedApi.StartAsync(server.Issuer);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Brief, clock, api.Address);
        var before = await server.Counter.CountAsync("issued");

        Assert.Equal(200, await application.CallAsync());
        clock.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(200, await application.CallAsync());

        Assert.Equal(before + 1, await server.Counter.CountAsync("issued"));
    }

    [Theory]
    [InlineData(-3_600, 200)]
    [InlineData(80, 200)]
    [InlineData(92, 401)]
    public async Task An_API_whose_clock_is_off_accepts_a_token_of_a_minute_until_half_a_minute_past_its_end(int seconds, int status)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow.AddSeconds(seconds));
        await using var api = await GuardedApi.StartAsync(server.Issuer, _ => { }, clock);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Brief);

        Assert.Equal(status, await api.StatusAsync((await application.TokenAsync()).Value));
    }

    [Fact]
    public async Task Tokens_are_kept_apart_by_scope_and_a_refused_scope_has_an_error_of_its_own()
    {
        await using var application = new SdkApplication(server.Issuer, SdkServer.Caller);

        var read = await application.Tokens.GetTokenAsync(new("read"), Cancellation);
        var write = await application.Tokens.GetTokenAsync(new("write"), Cancellation);
        var refused = await Assert.ThrowsAsync<AuthClusterException>(async () => await application.Tokens.GetTokenAsync(new("everything"), Cancellation));

        Assert.Equal(("read", "write"), (read.Scope, write.Scope));
        Assert.Equal(AuthClusterError.InvalidScope, refused.Error);
        Assert.Same(read, await application.Tokens.GetTokenAsync(new("read"), Cancellation));
    }
}
