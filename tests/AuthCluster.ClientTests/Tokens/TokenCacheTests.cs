using AuthCluster.Client;
using AuthCluster.Client.Tokens;
using AuthCluster.ClientTests.Servers;

namespace AuthCluster.ClientTests.Tokens;

public class TokenCacheTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_parallel_callers_make_one_request()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var gate = issuer.HoldNextToken();

        var callers = Enumerable.Range(0, 1000).Select(_ => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask()).ToArray();
        gate.SetResult();
        var tokens = await Task.WhenAll(callers);

        Assert.Single(issuer.TokenRequests);
        Assert.Single(tokens.Select(token => token.Value).Distinct());
        Assert.Equal(1, issuer.MetadataRequests);
    }

    [Fact]
    public async Task A_fresh_token_is_handed_out_without_a_task()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        var second = host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.True(second.IsCompletedSuccessfully);
        Assert.Same(first, await second);
    }

    [Fact]
    public async Task A_due_token_is_served_while_its_successor_is_fetched_in_the_background()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        var arrived = new AsyncSignal();
        var gate = issuer.HoldNextToken(arrived);

        clock.Advance(TimeSpan.FromMinutes(55));
        var whileDue = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask()));
        await arrived.WaitAsync();
        gate.SetResult();
        var second = await NextAsync(host.Tokens, first);

        Assert.All(whileDue, token => Assert.Same(first, token));
        Assert.Equal(2, issuer.TokenRequests.Count);
        Assert.NotEqual(first.Value, second.Value);
    }

    [Theory]
    [InlineData(3600, 3600 - 360, 3600 - 300)]
    [InlineData(86_400, 86_400 - 360, 86_400 - 300)]
    [InlineData(600, 600 - 144, 600 - 120)]
    [InlineData(60, 60 - 14.4, 60 - 12)]
    public async Task Renewal_begins_five_minutes_or_a_fifth_before_the_end_and_up_to_a_fifth_of_that_earlier(int lifetime, double notBefore, double surelyFrom)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.Lifetime = TimeSpan.FromSeconds(lifetime);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        clock.Advance(TimeSpan.FromSeconds(notBefore - 0.1));
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        var before = issuer.TokenRequests.Count;
        clock.Advance(TimeSpan.FromSeconds(surelyFrom - notBefore + 0.1));
        await NextAsync(host.Tokens, first);

        Assert.Equal(1, before);
        Assert.Equal(2, issuer.TokenRequests.Count);
    }

    [Fact]
    public void Tokens_of_a_fleet_that_started_together_are_not_due_together()
    {
        var due = Enumerable.Range(0, 200).Select(_ => TokenSchedule.RenewAfter(TimeSpan.FromHours(1))).ToArray();

        Assert.True(due.Distinct().Count() > 50);
        Assert.True(due.Max() - due.Min() > TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_token_that_has_almost_expired_is_not_handed_out()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(4));
        var second = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.NotEqual(first.Value, second.Value);
    }

    [Fact]
    public async Task A_caller_that_gives_up_takes_nothing_from_the_others()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var gate = issuer.HoldNextToken();
        using var impatience = new CancellationTokenSource();

        var impatient = host.Tokens.GetTokenAsync(cancellationToken: impatience.Token).AsTask();
        var patient = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        gate.SetResult();

        Assert.NotEmpty((await patient).Value);
        Assert.Single(issuer.TokenRequests);
    }

    [Fact]
    public async Task Tokens_are_kept_apart_by_scope_and_audience()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);

        var tokens = await Task.WhenAll(new TokenTarget[] { default, new("read"), new("write"), new("read", "https://a"), new("read", "https://b") }
            .Select(target => host.Tokens.GetTokenAsync(target, Cancel).AsTask()));

        Assert.Equal(5, tokens.Select(token => token.Value).Distinct().Count());
        Assert.Equal(["https://a", "https://b"], issuer.TokenRequests.Select(seen => seen.Form.GetValueOrDefault("audience")).OfType<string>().Order());
    }

    [Fact]
    public async Task The_same_scopes_in_another_order_are_the_same_token()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);

        var one = await host.Tokens.GetTokenAsync(new("write read"), Cancel);
        var other = await host.Tokens.GetTokenAsync(new("read  write read"), Cancel);

        Assert.Same(one, other);
        Assert.Equal("read write", Assert.Single(issuer.TokenRequests).Form["scope"]);
    }

    [Fact]
    public async Task Scope_and_audience_of_the_options_hold_when_the_caller_names_none()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.Scope, options.Audience) = ("read", "https://a"));

        var token = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        var form = Assert.Single(issuer.TokenRequests).Form;
        Assert.Equal(("read", "https://a"), (form["scope"], form["audience"]));
        Assert.Equal("read", token.Scope);
    }

    [Fact]
    public async Task An_invalidated_token_is_replaced_at_the_next_call()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(new("read"), Cancel);

        host.Tokens.Invalidate(new TokenTarget("read"));
        var second = await host.Tokens.GetTokenAsync(new("read"), Cancel);

        Assert.NotEqual(first.Value, second.Value);
    }

    [Fact]
    public async Task Invalidating_a_token_that_was_replaced_already_leaves_its_successor()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        Assert.True(host.Tokens.Invalidate(first));
        var second = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.True(host.Tokens.Invalidate(first));

        Assert.Same(second, await host.Tokens.GetTokenAsync(cancellationToken: Cancel));
    }

    [Fact]
    public async Task A_third_refusal_within_ten_seconds_drops_no_token_and_later_ones_do_again()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);

        Assert.True(host.Tokens.Invalidate(await host.Tokens.GetTokenAsync(cancellationToken: Cancel)));
        Assert.True(host.Tokens.Invalidate(await host.Tokens.GetTokenAsync(cancellationToken: Cancel)));
        Assert.False(host.Tokens.Invalidate(await host.Tokens.GetTokenAsync(cancellationToken: Cancel)));
        clock.Advance(TimeSpan.FromSeconds(11));
        Assert.True(host.Tokens.Invalidate(await host.Tokens.GetTokenAsync(cancellationToken: Cancel)));
    }

    [Theory]
    [InlineData(-26)]
    [InlineData(26)]
    public async Task A_clock_that_differs_from_the_servers_by_hours_changes_nothing(int hours)
    {
        var serverClock = new TestClock();
        var clock = new TestClock();
        clock.ShiftWall(TimeSpan.FromHours(hours));
        await using var issuer = await FakeIssuer.StartAsync(serverClock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        clock.Advance(TimeSpan.FromMinutes(50));
        var later = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        clock.Advance(TimeSpan.FromMinutes(10));
        var afterEnd = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Same(first, later);
        Assert.NotSame(first, afterEnd);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_lengthen_a_tokens_life()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        clock.ShiftWall(TimeSpan.FromHours(-5));
        clock.Advance(TimeSpan.FromHours(1));

        Assert.NotSame(first, await host.Tokens.GetTokenAsync(cancellationToken: Cancel));
    }

    [Fact]
    public async Task A_machine_that_slept_notices_by_the_wall_clock_that_its_token_has_expired()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        clock.ShiftWall(TimeSpan.FromHours(2)); // the monotonic clock stood still

        Assert.NotSame(first, await host.Tokens.GetTokenAsync(cancellationToken: Cancel));
    }

    [Fact]
    public async Task While_the_server_is_down_the_last_token_is_served_until_it_expires()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => options.MaxRetries = 0);
        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        issuer.IsDown = true;

        for (var minute = 55; minute < 60; minute++)
        {
            clock.Advance(TimeSpan.FromMinutes(minute) - (clock.GetUtcNow() - clock.Start));
            Assert.Same(first, await host.Tokens.GetTokenAsync(cancellationToken: Cancel));
            await host.LoggedAsync("No new token", minute - 54);
        }

        clock.Advance(TimeSpan.FromMinutes(1));
        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());
        issuer.IsDown = false;
        clock.Advance(TimeSpan.FromSeconds(6));
        var second = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal(AuthClusterError.Unreachable, failure.Error);
        Assert.NotSame(first, second);
    }

    /// <summary>The first token that is another than the given one; the renewal runs in the background.</summary>
    private static async Task<AccessToken> NextAsync(IAccessTokenSource tokens, AccessToken than)
    {
        while (true)
        {
            var token = await tokens.GetTokenAsync(cancellationToken: Cancel);
            if (!ReferenceEquals(token, than))
                return token;
            await Task.Yield();
        }
    }
}
