using AuthCluster.Client.AspNetCore;
using AuthCluster.Client.Revocation;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;

namespace AuthCluster.ClientTests.Revocation;

public class RevocationFeedTests
{
    [Theory]
    [InlineData("token")]
    [InlineData("client")]
    [InlineData("key")]
    [InlineData("all")]
    public async Task A_revocation_is_heard_at_once_and_ends_what_it_names(string kind)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.Rotate("k2");
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));
        await issuer.FeedHeld.WaitAsync();
        var token = issuer.Mint();
        Assert.Equal(200, await api.StatusAsync(token));

        // Nothing advances the clock here: the API hears of the revocation by the answer to its held request, without any wait.
        var value = kind switch { "token" => new JsonWebToken(token).Id, "client" => FakeIssuer.ClientId, "key" => "k2", _ => null };
        issuer.Publish(kind, value, kind is "client" or "all" ? issuer.Generation + 1 : null);
        await issuer.FeedHeld.WaitAsync();
        using var response = await api.GetAsync("/any", token);

        Assert.Equal(401, (int)response.StatusCode);
        Assert.Contains("error=\"invalid_token\"", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_revocation_does_not_name_goes_on_working()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));
        await issuer.FeedHeld.WaitAsync();
        var other = issuer.Mint();

        issuer.Publish("token", new JsonWebToken(issuer.Mint()).Id);
        issuer.Publish("client", "another-client", issuer.Generation + 5);
        issuer.Publish("client", FakeIssuer.ClientId, issuer.Generation); // ends only earlier generations: a token of the same second stays valid
        issuer.Publish("key", "another-key");
        issuer.Publish("all", gen: issuer.Generation);
        await ReadAsync(api, issuer, 5);

        Assert.Equal(200, await api.StatusAsync(other));
    }

    [Fact]
    public async Task A_token_without_a_generation_is_older_than_any()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.Publish("client", FakeIssuer.ClientId, 1);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));

        Assert.Equal(401, await api.StatusAsync(issuer.Mint(token => token.Claims.Remove("gen"))));
    }

    [Fact]
    public async Task A_forger_with_a_revoked_key_cannot_hide_it_by_another_kid()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var stolen = issuer.SigningKey;
        issuer.Rotate("k2");
        issuer.Publish("key", "k1");
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));

        foreach (var kid in new[] { "k1", "k2", "k9" })
        {
            var forged = issuer.Mint(token => token.SigningCredentials = new(new Microsoft.IdentityModel.Tokens.ECDsaSecurityKey(((Microsoft.IdentityModel.Tokens.ECDsaSecurityKey)stolen.Key).ECDsa) { KeyId = kid }, stolen.Algorithm));
            Assert.Equal(401, await api.StatusAsync(forged));
        }

        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public async Task A_feed_of_many_pages_is_read_to_its_end_before_the_first_token_is_let_through()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var token = issuer.Mint();
        for (var i = 0; i < 20; i++)
            issuer.Publish("token", $"some-jti-{i}");
        issuer.Publish("token", new JsonWebToken(token).Id);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));

        Assert.Equal(401, await api.StatusAsync(token));
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public async Task The_feed_is_followed_from_the_last_position_with_a_held_request()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.Publish("token", "a");
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse));
        await issuer.FeedHeld.WaitAsync();

        Assert.Equal(["?wait=0", "?wait=0&after=1", "?wait=10&after=1"], issuer.FeedQueries);
    }

    [Theory]
    [InlineData(WhenUnknown.Refuse, 503)]
    [InlineData(WhenUnknown.Accept, 200)]
    public async Task When_the_feed_has_not_been_heard_for_too_long_the_explicit_choice_decides(WhenUnknown choice, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(choice));
        await issuer.FeedHeld.WaitAsync();
        var (token, revoked) = (issuer.Mint(), issuer.Mint());
        issuer.Publish("token", new JsonWebToken(revoked).Id);
        await issuer.FeedHeld.WaitAsync();
        Assert.Equal(200, await api.StatusAsync(token));

        issuer.CutHeldFeed();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(200, await api.StatusAsync(token));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(status, await api.StatusAsync(token));
        Assert.Equal(401, await api.StatusAsync(revoked)); // what is known to be revoked stays so however old the list is

        issuer.IsDown = false;
        while (await api.StatusAsync(token) != 200 || api.Feed().Age > TimeSpan.FromSeconds(1))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(401, await api.StatusAsync(revoked));
    }

    [Theory]
    [InlineData(WhenUnknown.Refuse, 503)]
    [InlineData(WhenUnknown.Accept, 200)]
    public async Task A_feed_that_was_never_read_is_waited_for_and_then_the_choice_decides(WhenUnknown choice, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var patience = TimeSpan.FromSeconds(4);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(choice, new RevocationFeedOptions { FirstReadWait = patience }), services: services =>
            services.AddAuthClusterTokensWithSecret("wrong")); // the feed refuses this API; the issuer's keys are public

        var waiting = api.StatusAsync(issuer.Mint());
        await clock.WaitBegunAsync(patience, patience);
        clock.Advance(patience);

        Assert.Equal(status, await waiting);
        // The clock stands: a request that waited again would never be answered.
        Assert.Equal(status, await api.StatusAsync(issuer.Mint()));
    }

    [Fact]
    public void An_item_may_be_applied_twice_and_in_any_order_and_ends_when_no_token_can_need_it()
    {
        var clock = new TestClock();
        var list = new RevocationList(clock);
        var hour = clock.GetUtcNow().AddHours(1);
        FeedItem[] items =
        [
            new() { Kind = "client", Value = "c", Gen = 5, ExpiresAt = hour },
            new() { Kind = "client", Value = "c", Gen = 3, ExpiresAt = hour },
            new() { Kind = "token", Value = "j", ExpiresAt = hour },
            new() { Kind = "token", Value = "j", ExpiresAt = hour },
            new() { Kind = "all", Gen = 2 },
            new() { Kind = "all", Gen = 1 },
        ];

        Assert.All(items, item => Assert.True(list.Apply(item)));
        Assert.True(list.IsRevoked(new TokenIdentity("x", "c", "k", 4)));
        Assert.False(list.IsRevoked(new TokenIdentity("x", "c", "k", 5)));
        Assert.True(list.IsRevoked(new TokenIdentity("j", "d", "k", 9)));
        Assert.True(list.IsRevoked(new TokenIdentity("x", "d", "k", 1)));

        clock.Advance(TimeSpan.FromMinutes(65));
        list.Sweep();
        Assert.Equal(2, list.Count); // within a validator's clock skew it must stay
        clock.Advance(TimeSpan.FromMinutes(6));
        list.Sweep();
        Assert.Equal(0, list.Count);
        Assert.True(list.IsRevoked(new TokenIdentity("x", "d", "k", 1)));
    }

    [Theory]
    [InlineData("""{"kind":"moon","value":"x"}""")]
    [InlineData("""{"kind":"token"}""")]
    [InlineData("""{"kind":"client","value":"x"}""")]
    [InlineData("""{}""")]
    public void An_item_that_is_not_understood_is_reported_and_changes_nothing(string json)
    {
        var list = new RevocationList(new TestClock());

        Assert.False(list.Apply(System.Text.Json.JsonSerializer.Deserialize(json, FeedJson.Default.FeedItem)!));
        Assert.Equal(0, list.Count);
    }

    private static async Task ReadAsync(ProtectedApi api, FakeIssuer issuer, int position)
    {
        while (!issuer.FeedQueries.Any(query => query.EndsWith($"after={position}", StringComparison.Ordinal)))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.NotNull(api.Feed().Age);
    }
}

internal static class FeedOfApi
{
    public static RevocationFeed Feed(this ProtectedApi api) => api.Services.GetRequiredKeyedService<RevocationFeed>("");

    public static void AddAuthClusterTokensWithSecret(this IServiceCollection services, string secret) =>
        services.Configure<AuthCluster.Client.AuthClusterTokenOptions>("", options => options.ClientSecret = secret);
}
