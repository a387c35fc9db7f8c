using AuthCluster.Client.AspNetCore;
using AuthCluster.Client.Introspection;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Introspection;

public class TokenIntrospectionTests
{
    [Fact]
    public async Task An_answer_is_used_again_for_five_seconds_and_then_a_revocation_is_seen()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(WhenUnknown.Refuse));
        var token = issuer.Mint();

        for (var i = 0; i < 20; i++)
            Assert.Equal(200, await api.StatusAsync(token));
        Assert.Equal(1, issuer.Introspections);
        issuer.InactiveTokens[token] = true;
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(200, await api.StatusAsync(token));
        clock.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(401, await api.StatusAsync(token));
        Assert.Equal(2, issuer.Introspections);
    }

    [Fact]
    public async Task Many_requests_with_one_token_ask_once()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(WhenUnknown.Refuse));
        var token = issuer.Mint();

        var statuses = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => api.StatusAsync(token)));

        Assert.All(statuses, status => Assert.Equal(200, status));
        Assert.Equal(1, issuer.Introspections);
    }

    [Fact]
    public async Task A_token_that_fails_by_itself_is_not_asked_about()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(WhenUnknown.Refuse));

        Assert.Equal(401, await api.StatusAsync(issuer.Mint(token => token.SigningCredentials = FakeIssuer.NewKey("k1"))));
        Assert.Equal(0, issuer.Introspections);
    }

    [Fact]
    public async Task Without_a_cache_every_request_asks_and_a_revocation_holds_for_the_next_one()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(WhenUnknown.Refuse, new IntrospectionOptions { CacheFor = TimeSpan.Zero }));
        var token = issuer.Mint();
        Assert.Equal(200, await api.StatusAsync(token));
        Assert.Equal(200, await api.StatusAsync(token));

        issuer.InactiveTokens[token] = true;

        Assert.Equal(401, await api.StatusAsync(token));
        Assert.Equal(3, issuer.Introspections);
    }

    [Fact]
    public async Task A_full_cache_makes_room_keeps_the_answers_in_use_and_stays_correct()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(WhenUnknown.Refuse, new IntrospectionOptions { MaxCached = 2 }));
        var tokens = Enumerable.Range(0, 5).Select(_ => issuer.Mint()).ToArray();
        issuer.InactiveTokens[tokens[4]] = true;

        for (var round = 0; round < 2; round++)
        {
            foreach (var token in tokens)
            {
                Assert.Equal(token == tokens[4] ? 401 : 200, await api.StatusAsync(token));
                Assert.Equal(200, await api.StatusAsync(tokens[0]));
            }
        }

        Assert.Equal(1 + 4 + 4, issuer.Introspections);
    }

    [Theory]
    [InlineData(WhenUnknown.Refuse, 503)]
    [InlineData(WhenUnknown.Accept, 200)]
    public async Task When_the_server_cannot_be_asked_the_explicit_choice_decides(WhenUnknown choice, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.Introspect(choice));
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
        var token = issuer.Mint();

        issuer.IsDown = true;
        var during = api.StatusAsync(token);
        clock.Advance(await clock.WaitBegunAsync(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1))); // the pause before the one repeat
        Assert.Equal(status, await during);
        issuer.IsDown = false;
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(200, await api.StatusAsync(token));
    }
}
