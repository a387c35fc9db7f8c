using System.Diagnostics.Metrics;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;
using AuthCluster.ClientTests.Revocation;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;

namespace AuthCluster.ClientTests.Clients;

/// <summary>Any exception of a handler, a proxy or a resolver, except the caller's own cancellation, means an unreachable server.</summary>
public class UnreachableServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Exceptions => ["connect time-out", "invalid operation", "disposed", "I/O", "time-out", "socket", "format"];

    [Theory]
    [MemberData(nameof(Exceptions))]
    public async Task An_exception_of_any_type_is_repeated_typed_and_counted(string kind)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var stub = new StubHandler(request => request.Method == HttpMethod.Post ? throw Make(kind) : null);
        await using var host = Host(clock, issuer, stub);
        using var errors = new MetricCollector<long>(host.Services.GetRequiredService<IMeterFactory>(), "AuthCluster.Client", "authcluster.client.token.errors");

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        clock.Advance(await clock.WaitBegunAsync(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)));
        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => token);

        Assert.Equal(AuthClusterError.Unreachable, failure.Error);
        Assert.True(failure.IsTransient);
        Assert.Equal(3, stub.Requests); // metadata, the request, its repeat
        Assert.Equal("unreachable", Assert.Single(errors.GetMeasurementSnapshot()).Tags["error.type"]);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_reported_as_a_cancellation()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        var gate = issuer.HoldNextToken();
        using var caller = new CancellationTokenSource();

        var token = host.Tokens.GetTokenAsync(cancellationToken: caller.Token).AsTask();
        await caller.CancelAsync();

        Assert.Equal(caller.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => token)).CancellationToken);
        gate.SetResult();
    }

    [Theory]
    [MemberData(nameof(Exceptions))]
    public async Task A_follower_of_the_feed_survives_an_exception_of_any_type_and_its_host_too(string kind)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var isDown = true;
        await using var api = await ProtectedApi.StartAsync(
            clock,
            issuer,
            options => options.FollowRevocations(WhenUnknown.Refuse),
            client => client.AddHttpMessageHandler(() => new StubHandler(_ => Volatile.Read(ref isDown) ? throw Make(kind) : null)));

        for (var pauses = 0; pauses < 20; pauses++)
        {
            var pause = await clock.WaitBegunAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(6), but: TimeSpan.FromSeconds(5));
            Assert.Null(api.Feed().Age);
            Volatile.Write(ref isDown, pauses < 19);
            clock.Advance(pause);
        }

        Assert.False(api.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        await issuer.FeedHeld.WaitAsync();
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
    }

    [Theory]
    [InlineData(WhenUnknown.Accept, 200)]
    [InlineData(WhenUnknown.Refuse, 503)]
    public async Task When_introspection_fails_by_an_exception_of_any_type_the_explicit_choice_decides(WhenUnknown choice, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        foreach (var kind in Exceptions.Select(row => row.Data))
        {
            await using var api = await ProtectedApi.StartAsync(
                clock, issuer, options => options.Introspect(choice), client => client.AddHttpMessageHandler(() => new StubHandler(_ => throw Make(kind))));
            var answer = api.StatusAsync(issuer.Mint());
            while (!answer.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(500));
                await Task.WhenAny(answer, Task.Delay(10, Cancel));
            }

            Assert.Equal(status, await answer);
        }
    }

    [Fact]
    public async Task A_reader_of_the_secret_that_hangs_does_not_hang_the_call()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var asked = new AsyncSignal();
        await using var host = SdkHost.ForTokens(clock, issuer, options =>
        {
            options.ClientSecret = null;
            options.ReadSecretWith(async _ =>
            {
                asked.Set();
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
                return "never";
            });
        });

        var token = host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask();
        await asked.WaitAsync();
        clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(AuthClusterError.TimedOut, (await Assert.ThrowsAsync<AuthClusterException>(() => token)).Error);
    }

    private static SdkHost Host(TestClock clock, FakeIssuer issuer, StubHandler stub) => new(clock, services => services
        .AddAuthClusterTokens(options => (options.Issuer, options.ClientId, options.ClientSecret, options.MaxRetries) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret, 1))
        .AddHttpMessageHandler(() => stub));

    private static Exception Make(string kind) => kind switch
    {
        "connect time-out" => StubHandler.ConnectTimeout(),
        "invalid operation" => new InvalidOperationException("stub"),
        "disposed" => new ObjectDisposedException("stub"),
        "I/O" => new IOException("stub"),
        "time-out" => new TimeoutException("stub"),
        "socket" => new System.Net.Sockets.SocketException(110),
        "format" => new FormatException("stub"),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
