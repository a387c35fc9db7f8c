using System.Collections.Concurrent;
using System.Net;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using AuthCluster.ClientTests.Servers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AuthCluster.ClientTests.Clients;

/// <summary>Everything that the SDK asks a server for, from a server that is faulty for a minute, with each fault that a server can have.</summary>
public sealed class BadServerTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Outage = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRecovery = TimeSpan.FromSeconds(20);

    /// <summary>The errors that a call may end with while the server is faulty: none of them blames the application's settings.</summary>
    private static readonly AuthClusterError[] Expected =
        [AuthClusterError.Unreachable, AuthClusterError.TimedOut, AuthClusterError.UnexpectedAnswer, AuthClusterError.ServerError, AuthClusterError.TemporarilyUnavailable];

    /// <summary>Each fault with the SDK's own handler, the faults of a proxy through a proxy, and the faults of HTTP/2 over HTTP/2.</summary>
    public static TheoryData<string, Route> Faults
    {
        get
        {
            var rows = new TheoryData<string, Route>();
            foreach (var fault in FaultyListener.Faults)
                rows.Add(fault, Route.Direct);
            foreach (var fault in new[] { "never answers", "is reset", "407 page", "502 page", "HTML" })
                rows.Add(fault, Route.Proxy);
            foreach (var fault in FaultyHttp2.Faults)
                rows.Add(fault, Route.Http2);
            return rows;
        }
    }

    /// <summary>How a request gets to the server.</summary>
    public enum Route
    {
        /// <summary>By the SDK's own handler.</summary>
        Direct,

        /// <summary>Through a proxy that the application has set.</summary>
        Proxy,

        /// <summary>By HTTP/2, which the application has set.</summary>
        Http2,
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Each_call_ends_in_time_with_a_typed_error_after_few_requests_and_all_calls_work_again_afterwards(string fault, Route route)
    {
        var clock = new TestClock();
        await using var elsewhere = await FakeIssuer.StartAsync(clock);
        await using var token = await Caller.ForTokensAsync(clock, route);
        await using var metadata = await Caller.ForMetadataAsync(clock, route);
        await using var introspection = await Caller.ForIntrospectionAsync(clock, route);
        await using var feed = await Caller.ForFeedAsync(clock, route);
        await using var keys = await Caller.ForKeysAsync(clock, route);
        Caller[] callers = [token, metadata, introspection, feed, keys];

        foreach (var caller in callers)
            caller.Break(fault, elsewhere.Issuer);
        await RunAsync(clock, callers, Outage, real: TimeSpan.FromMilliseconds(2), until: () => false);

        // A minute has room for some fifteen pauses of three to six seconds and for the first quick repeats; introspection asks once a second.
        // SocketsHttpHandler makes up to three more connections where one ends before the first byte of an answer.
        var most = (fault is "closes without an answer" or "is reset" or "HTTP/2 REFUSED_STREAM" or "HTTP/2 GOAWAY before the stream" ? 4 : 1) * 40;
        Assert.All(callers, caller => Assert.InRange(caller.Requests, 1, caller == introspection ? 2 * most : most));
        Assert.All(callers, caller => Assert.False(caller.Works, $"{caller.Name} works by a server that {fault}."));
        Assert.All([token.Errors, metadata.Errors], errors => Assert.NotEmpty(errors));
        Assert.All(token.Errors.Concat(metadata.Errors), error => Assert.Contains(error, Expected));
        Assert.Empty(elsewhere.TokenRequests);
        Assert.Equal(0, elsewhere.Introspections + elsewhere.FeedRequests + elsewhere.KeyRequests + elsewhere.MetadataRequests);

        foreach (var caller in callers)
            caller.Break(null, elsewhere.Issuer);
        await RunAsync(clock, callers, LongestRecovery, real: TimeSpan.FromMilliseconds(100), until: () => callers.All(caller => caller.Works));
        Assert.All(callers, caller => Assert.True(caller.Works, $"{caller.Name} has not recovered from a server that {fault}."));
    }

    /// <summary>
    /// Lets every caller call without a break while the clock goes on; for a call that has reached its time limit the clock almost stands, until
    /// the call has ended.
    /// </summary>
    private static async Task RunAsync(TestClock clock, Caller[] callers, TimeSpan length, TimeSpan real, Func<bool> until)
    {
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started) < length && !until())
        {
            foreach (var caller in callers)
                await caller.GoOnAsync(clock);
            await Task.WhenAny(Task.WhenAll(callers.Select(caller => caller.Pending)), Task.Delay(real, TestContext.Current.CancellationToken));
            clock.Advance(Step);
        }
    }

    /// <summary>One of the SDK's clients with a server of its own.</summary>
    private sealed class Caller(string name, FakeIssuer issuer, IAsyncDisposable application, TimeSpan bound, Func<Task<bool>> call) : IAsyncDisposable
    {
        private long _begun;

        public string Name => name;

        public int Requests => issuer.Listener.Faulted;

        /// <summary>Whether the last call that ended was served.</summary>
        public bool Works { get; private set; }

        public Task Pending { get; private set; } = Task.CompletedTask;

        /// <summary>Concurrent, because a call under way adds its error while the test reads.</summary>
        public ConcurrentQueue<AuthClusterError> Errors { get; } = new();

        public static async Task<Caller> ForTokensAsync(TestClock clock, Route route)
        {
            var issuer = await StartAsync(clock, route);
            var host = new SdkHost(clock, services => AddTokens(services, issuer, route, options => options.TokenEndpoint = issuer.Issuer + "/oauth/token"));
            await host.Tokens.GetTokenAsync(cancellationToken: TestContext.Current.CancellationToken);
            return new Caller("token", issuer, host, TimeSpan.FromSeconds(30), () => GetTokenAsync(host));
        }

        public static async Task<Caller> ForMetadataAsync(TestClock clock, Route route)
        {
            var issuer = await StartAsync(clock, route);
            var host = new SdkHost(clock, services => AddTokens(services, issuer, route));
            return new Caller("metadata", issuer, host, TimeSpan.FromSeconds(30), () => GetTokenAsync(host));
        }

        public static async Task<Caller> ForIntrospectionAsync(TestClock clock, Route route)
        {
            var issuer = await StartAsync(clock, route);
            var host = new SdkHost(clock, services =>
            {
                AddTokens(services, issuer, route);
                services.AddAuthClusterIntrospection("", new IntrospectionOptions { CacheFor = TimeSpan.Zero });
            });
            var introspection = host.Services.GetRequiredKeyedService<TokenIntrospection>("");
            Assert.Equal(TokenStanding.Active, await introspection.CheckAsync("first", TestContext.Current.CancellationToken));
            var count = 0;
            return new Caller("introspection", issuer, host, TimeSpan.FromSeconds(3), async () => await introspection.CheckAsync($"token-{count++}") == TokenStanding.Active);
        }

        public static async Task<Caller> ForFeedAsync(TestClock clock, Route route)
        {
            var issuer = await StartAsync(clock, route);
            var host = new SdkHost(clock, services =>
            {
                AddTokens(services, issuer, route);
                services.AddAuthClusterRevocationFeed("", new RevocationFeedOptions { FirstReadWait = TimeSpan.Zero });
            });
            var feed = host.Services.GetRequiredKeyedService<RevocationFeed>("");
            var follower = host.Services.GetServices<IHostedService>().OfType<BackgroundService>().Single();
            await follower.StartAsync(TestContext.Current.CancellationToken);
            await issuer.FeedHeld.WaitAsync();
            return new Caller("feed", issuer, host, TimeSpan.FromSeconds(1), async () =>
            {
                Assert.False(follower.ExecuteTask!.IsCompleted, "The follower has stopped.");
                return await feed.CheckAsync(new TokenIdentity("a", "b", "c", 1)) == TokenStanding.Active && feed.Age < TimeSpan.FromSeconds(11);
            });
        }

        public static async Task<Caller> ForKeysAsync(TestClock clock, Route route)
        {
            var issuer = await StartAsync(clock, route);
            var api = await ProtectedApi.StartAsync(clock, issuer, services: services => Set(services.AddHttpClient(AuthClusterJwtOptions.KeysHttpClient), issuer, route));
            return new Caller("keys", issuer, api, TimeSpan.FromSeconds(5), async () =>
            {
                var status = await api.StatusAsync(issuer.Mint());
                Assert.True(status is 200 or 503, $"The API answers {status}.");
                return status == 200;
            });
        }

        public void Break(string? fault, string elsewhere)
        {
            (issuer.Listener.Elsewhere, Works) = (elsewhere, false);
            issuer.Listener.Break(fault);
            if (application is SdkHost host && host.Services.GetService<AuthCluster.Client.Tokens.IAccessTokenSource>() is { } tokens)
                tokens.Invalidate();
        }

        public async Task GoOnAsync(TestClock clock)
        {
            // The time limit of a call counts from the start of its work, which a busy machine delays. So the clock goes on a little, slowly.
            for (var i = 0; i < 20 && !Pending.IsCompleted && clock.GetElapsedTime(_begun) >= bound; i++)
            {
                await Task.WhenAny(Pending, Task.Delay(500, TestContext.Current.CancellationToken));
                clock.Advance(Step);
            }

            if (!Pending.IsCompleted && clock.GetElapsedTime(_begun) >= bound)
                await Pending.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            if (!Pending.IsCompleted)
                return;
            await Pending;
            _begun = clock.GetTimestamp();
            Pending = CallAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await application.DisposeAsync();
            await issuer.DisposeAsync();
        }

        private async Task CallAsync()
        {
            try
            {
                Works = await call();
            }
            catch (AuthClusterException e)
            {
                Works = false;
                Errors.Enqueue(e.Error);
            }
        }

        private static async Task<bool> GetTokenAsync(SdkHost host)
        {
            await host.Tokens.GetTokenAsync(cancellationToken: TestContext.Current.CancellationToken);
            return true;
        }

        private static Task<FakeIssuer> StartAsync(TestClock clock, Route route) =>
            FakeIssuer.StartAsync(clock, route == Route.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);

        private static void AddTokens(IServiceCollection services, FakeIssuer issuer, Route route, Action<AuthClusterTokenOptions>? change = null) => Set(
            services.AddAuthClusterTokens(options =>
            {
                (options.Issuer, options.ClientId, options.ClientSecret) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret);
                change?.Invoke(options);
            }),
            issuer,
            route);

        /// <summary>The server takes requests for other servers too, as a proxy does; here it is its own proxy.</summary>
        private static void Set(IHttpClientBuilder client, FakeIssuer issuer, Route route)
        {
            if (route == Route.Proxy)
                client.ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { Proxy = new WebProxy(issuer.Issuer), AllowAutoRedirect = false });
            if (route == Route.Http2)
                client.ConfigureHttpClient(http => (http.DefaultRequestVersion, http.DefaultVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact));
        }
    }
}
