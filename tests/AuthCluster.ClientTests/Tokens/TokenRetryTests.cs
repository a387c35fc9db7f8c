using AuthCluster.Client;
using AuthCluster.Client.Clients;
using AuthCluster.ClientTests.Servers;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.ClientTests.Tokens;

public class TokenRetryTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(500, """{"error":"server_error"}""")]
    [InlineData(400, """{"error":"server_error"}""")]
    [InlineData(400, """{"error":"temporarily_unavailable"}""")]
    [InlineData(503, """{"error":"temporarily_unavailable"}""")]
    [InlineData(502, "<html>bad gateway</html>")]
    public async Task A_temporary_error_is_followed_by_a_repeat_after_a_pause(int status, string body)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(status, body);
        issuer.NextToken(status, body);

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        var first = await clock.WaitBegunAsync(Moment, LongestBackoff);
        Assert.Single(issuer.TokenRequests);
        clock.Advance(first);
        var second = await clock.WaitBegunAsync(Moment, LongestBackoff);
        Assert.Equal(2, issuer.TokenRequests.Count);
        clock.Advance(second);

        Assert.NotEmpty((await token).Value);
        Assert.Equal(3, issuer.TokenRequests.Count);
    }

    [Fact]
    public async Task The_pauses_grow_and_end_with_a_typed_error()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => options.MaxRetries = 3);
        for (var i = 0; i < 4; i++)
            issuer.NextToken(503, """{"error":"temporarily_unavailable"}""");

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        var total = TimeSpan.Zero;
        for (var i = 0; i < 3; i++)
        {
            var pause = await clock.WaitBegunAsync(Moment, LongestBackoff);
            total += pause;
            clock.Advance(pause);
        }

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token);
        Assert.Equal(AuthClusterError.TemporarilyUnavailable, failure.Error);
        Assert.True(failure.IsTransient);
        Assert.True(total > TimeSpan.FromMilliseconds(500), $"The pauses added up to {total}.");
        Assert.Equal(4, issuer.TokenRequests.Count);
    }

    [Fact]
    public async Task A_retry_after_of_seconds_is_waited_for_within_the_call()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: "7");

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        var pause = await clock.WaitBegunAsync(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(9.9));
        clock.Advance(pause);

        Assert.NotEmpty((await token).Value);
        Assert.InRange(pause, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8.4));
    }

    [Fact]
    public async Task In_a_storm_of_429_nobody_asks_before_the_time_that_the_server_named()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: "120");

        for (var second = 0; second < 119; second += 7)
        {
            var storm = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Record.ExceptionAsync(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask()).AsTask()));
            Assert.All(storm, failure => Assert.Equal(AuthClusterError.SlowDown, Assert.IsType<AuthClusterException>(failure).Error));
            Assert.Single(issuer.TokenRequests);
            clock.Advance(TimeSpan.FromSeconds(7));
        }

        clock.Advance(TimeSpan.FromSeconds(25));
        var tokens = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask()));
        Assert.Equal(2, issuer.TokenRequests.Count);
        Assert.Single(tokens.Distinct());
    }

    [Fact]
    public async Task A_call_during_the_pause_is_told_how_long_the_pause_still_lasts()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: "100");
        await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        clock.Advance(TimeSpan.FromSeconds(60));
        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.InRange(failure.RetryAfter.GetValueOrDefault(), TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up_in_time()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.MaxRetries, options.AttemptTimeout) = (0, TimeSpan.FromSeconds(9)));
        var arrived = new AsyncSignal();
        var gate = issuer.HoldNextToken(arrived);

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        await arrived.WaitAsync();
        clock.Advance(TimeSpan.FromSeconds(9));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token);
        Assert.Equal(AuthClusterError.TimedOut, failure.Error);
        gate.SetResult();
    }

    [Fact]
    public async Task An_answer_whose_body_stops_half_way_is_given_up_in_time_too()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.MaxRetries, options.AttemptTimeout) = (0, TimeSpan.FromSeconds(9)));
        var arrived = new AsyncSignal();
        issuer.NextToken(async context =>
        {
            await context.Response.WriteAsync("""{"access_token":""");
            await context.Response.Body.FlushAsync(context.RequestAborted);
            arrived.Set();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        await arrived.WaitAsync();
        clock.Advance(TimeSpan.FromSeconds(9));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token);
        Assert.Equal(AuthClusterError.TimedOut, failure.Error);
    }

    [Fact]
    public async Task All_repeats_together_end_with_the_total_time()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.AttemptTimeout, options.Timeout) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12)));
        var arrived = new AsyncSignal();
        var gates = Enumerable.Range(0, 2).Select(_ => issuer.HoldNextToken(arrived)).ToArray();

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        await arrived.WaitAsync();
        clock.Advance(TimeSpan.FromSeconds(10));
        clock.Advance(await clock.WaitBegunAsync(Moment, TimeSpan.FromSeconds(1.9)));
        await arrived.WaitAsync();
        clock.Advance(TimeSpan.FromSeconds(2));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token);
        Assert.Equal(AuthClusterError.TimedOut, failure.Error);
        Assert.Equal(2, issuer.TokenRequests.Count);
        Array.ForEach(gates, gate => gate.SetResult());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_whose_retry_after_outlasts_the_call_is_reported_at_once(bool metadataFirst)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options =>
        {
            options.TokenEndpoint = metadataFirst ? null : issuer.Issuer + "/oauth/token";
            options.Timeout = TimeSpan.FromSeconds(1);
        });
        issuer.Listener.Break("503 with Retry-After 1");

        // The clock stands: a call that paused would never end.
        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        Assert.Equal(AuthClusterError.TemporarilyUnavailable, failure.Error);
        Assert.Equal(TimeSpan.FromSeconds(1), failure.RetryAfter);
        Assert.Equal(1, issuer.Listener.Faulted);
    }

    [Fact]
    public async Task The_last_answer_within_the_time_limit_is_the_one_that_is_reported()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.Timeout, options.MaxRetries) = (TimeSpan.FromSeconds(20), 10));
        for (var i = 0; i < 3; i++)
            issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: "8");

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        for (var i = 0; i < 2; i++)
            clock.Advance(await clock.WaitBegunAsync(TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(9.6)));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        Assert.Equal((AuthClusterError.SlowDown, TimeSpan.FromSeconds(8)), (failure.Error, failure.RetryAfter.GetValueOrDefault()));
        Assert.Equal(3, issuer.TokenRequests.Count);
    }

    [Fact]
    public async Task A_connection_that_fails_until_the_time_limit_is_reported_as_unreachable()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        issuer.Listener.Break("is reset");
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.Timeout, options.MaxRetries) = (TimeSpan.FromSeconds(2), 10));

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        while (!token.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            await Task.WhenAny(token, Task.Delay(10, Cancel));
        }

        Assert.Equal(AuthClusterError.Unreachable, (await Assert.ThrowsAsync<AuthClusterException>(() => token)).Error);
    }

    [Fact]
    public async Task After_a_permanent_refusal_a_busy_application_asks_seldom()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => options.ClientSecret = "wrong");

        for (var tenth = 0; tenth < 600; tenth++)
        {
            await Record.ExceptionAsync(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        // Within a minute, after pauses of 1, 2, 4, 5, 5 … seconds, each times 0.6 to 1.2.
        Assert.InRange(issuer.TokenRequests.Count, 10, 22);
    }

    [Fact]
    public async Task A_server_that_is_down_and_names_a_second_is_asked_ever_more_seldom()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => options.TokenEndpoint = issuer.Issuer + "/oauth/token");
        issuer.Listener.Break("503 with Retry-After 1");

        var call = Task.CompletedTask;
        for (var quarter = 0; quarter < 160; quarter++)
        {
            if (call.IsCompleted)
                call = Record.ExceptionAsync(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask()).AsTask();
            await Task.WhenAny(call, Task.Delay(5, Cancel));
            clock.Advance(TimeSpan.FromMilliseconds(250));
        }

        // One and four quick repeats, then single requests after pauses that grow from 1 to 5 seconds.
        Assert.InRange(issuer.Listener.Faulted, 2, 20);
    }

    [Fact]
    public async Task However_early_a_timer_ends_nobody_asks_before_the_time_that_the_server_named()
    {
        var clock = new HastyClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        for (var round = 1; round <= 8; round++)
        {
            await using var host = SdkHost.ForTokens(clock, issuer);
            issuer.TokenRequests.Clear();
            issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: $"{round}");

            var answered = clock.GetTimestamp();
            var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
            clock.Advance(await clock.WaitBegunAsync(TimeSpan.FromSeconds(round) - TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(round * 1.2)));
            var rest = await clock.WaitBegunAsync(Moment, TimeSpan.FromMilliseconds(5));
            Assert.Single(issuer.TokenRequests);
            clock.Advance(rest);

            await token;
            Assert.True(clock.GetElapsedTime(answered) >= TimeSpan.FromSeconds(round));
        }
    }

    [Fact]
    public void The_pause_is_the_larger_of_the_servers_pause_and_a_doubling_pause_each_with_jitter()
    {
        var (first, longest) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        for (var i = 0; i < 1000; i++)
        {
            Assert.InRange(Pause.After(0, first, longest, asked: null), TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1.2));
            Assert.InRange(Pause.After(4, first, longest, TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(9.6), TimeSpan.FromSeconds(19.2));
            Assert.InRange(Pause.After(40, first, longest, asked: null), TimeSpan.FromSeconds(18), TimeSpan.FromSeconds(36));
            Assert.InRange(Pause.After(0, first, longest, TimeSpan.FromSeconds(7)), TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8.4));
        }

        Assert.True(Enumerable.Range(0, 200).Select(_ => Pause.After(0, first, longest, TimeSpan.FromSeconds(7))).Distinct().Count() > 50);
    }
}
