using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Introspection;

public class OutageGuardTests
{
    [Fact]
    public void After_five_failures_in_a_row_one_request_in_a_second_goes_out_until_one_succeeds()
    {
        var clock = new TestClock();
        var guard = new OutageGuard(clock);
        for (var i = 0; i < 5; i++)
        {
            Assert.True(guard.MayAsk());
            guard.Failed(asked: null);
        }

        for (var second = 0; second < 10; second++)
        {
            Assert.All(Enumerable.Range(0, 100), _ => Assert.False(guard.MayAsk()));
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(guard.MayAsk());
            guard.Failed(asked: null);
        }

        guard.Succeeded();
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(guard.MayAsk()));
    }

    [Fact]
    public void Occasional_failures_block_no_request()
    {
        var guard = new OutageGuard(new TestClock());

        for (var i = 0; i < 100; i++)
        {
            guard.Failed(asked: null);
            guard.Succeeded();
            Assert.True(guard.MayAsk());
        }
    }

    [Fact]
    public void A_server_that_asks_to_be_left_alone_is_left_alone_for_a_minute_at_most()
    {
        var clock = new TestClock();
        var guard = new OutageGuard(clock);

        guard.Failed(TimeSpan.FromSeconds(7));
        clock.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(guard.MayAsk());
        clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.True(guard.MayAsk());
        guard.Failed(TimeSpan.FromHours(1));
        clock.Advance(TimeSpan.FromSeconds(72));
        Assert.True(guard.MayAsk());
    }

    [Fact]
    public async Task A_thousand_tokens_in_use_cost_a_server_that_is_down_a_few_requests()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForIntrospection(clock, issuer);
        var introspection = host.Introspection;
        Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("first", TestContext.Current.CancellationToken));
        issuer.Listener.Break("empty object");

        for (var second = 0; second < 10; second++)
        {
            for (var token = 0; token < 1000; token++)
                Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{token}", TestContext.Current.CancellationToken));
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(issuer.Listener.Faulted, 5, 15);
        issuer.Listener.Break(null);
        Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("another", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_server_that_asks_for_longer_than_the_call_may_take_is_left_alone_that_long()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForIntrospection(clock, issuer, new IntrospectionOptions { Timeout = TimeSpan.FromSeconds(1) });
        var introspection = host.Introspection;
        Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("first", TestContext.Current.CancellationToken));
        issuer.Listener.Break("503 with Retry-After 1");

        // The clock stands: a call that paused would never end.
        for (var token = 0; token < 100; token++)
            Assert.Equal(TokenStanding.Unknown, await introspection.CheckAsync($"token-{token}", TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));

        Assert.Equal(1, issuer.Listener.Faulted);
        issuer.Listener.Break(null);
        clock.Advance(TimeSpan.FromSeconds(1.2));
        Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("another", TestContext.Current.CancellationToken));
    }
}
