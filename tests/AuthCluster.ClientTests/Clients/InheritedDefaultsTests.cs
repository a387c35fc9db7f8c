using System.Collections.Concurrent;
using System.Net.Http.Headers;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;
using AuthCluster.Client.Tokens;
using AuthCluster.ClientTests.Servers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace AuthCluster.ClientTests.Clients;

/// <summary>Applications that give all their HttpClients the same handlers, as every Aspire application does.</summary>
public class InheritedDefaultsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_API_whose_clients_all_have_the_standard_resilience_handler_serves_good_tokens_without_a_gap(bool defaultsFirst)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var failed = new ConcurrentQueue<HttpRequestMessage>();
        void AddDefaults(IServiceCollection services) => services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddHttpMessageHandler(() => new FailingResolver(failed));
            http.ConfigurePrimaryHttpMessageHandler(() => new FailingResolver(failed));
            http.ConfigureHttpClient(client =>
            {
                client.Timeout = TimeSpan.FromSeconds(1);
                client.BaseAddress = new Uri("https://other.example");
                client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "of-another-server");
            });
        });
        await using var api = await ProtectedApi.StartAsync(
            clock,
            issuer,
            options => options.FollowRevocations(WhenUnknown.Refuse),
            before: defaultsFirst ? AddDefaults : null,
            services: defaultsFirst ? null : AddDefaults);

        // Two minutes with a server that holds every request of the feed to its end.
        for (var polls = 0; polls < 12; polls++)
        {
            await issuer.FeedHeld.WaitAsync();
            Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
            clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Empty(failed);
        await api.Services.GetRequiredService<IAccessTokenSource>().GetTokenAsync(cancellationToken: Cancel);
        Assert.All(issuer.TokenRequests, request => Assert.Equal("basic", request.Method));
    }

    [Fact]
    public async Task The_applications_own_settings_of_the_SDKs_http_clients_are_kept()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock, HttpProtocols.Http2);
        var (proxied, keysProxied) = (new StubHandler(_ => null), new StubHandler(_ => null));
        await using var api = await ProtectedApi.StartAsync(
            clock,
            issuer,
            client: tokens => OverHttp2(tokens, proxied),
            services: services => OverHttp2(services.AddHttpClient(AuthClusterJwtOptions.KeysHttpClient), keysProxied));

        await api.Services.GetRequiredService<IAccessTokenSource>().GetTokenAsync(cancellationToken: Cancel);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        Assert.Equal(2, proxied.Requests); // metadata and the token
        Assert.Equal(2, keysProxied.Requests); // metadata and the keys
    }

    [Fact]
    public async Task A_token_that_the_application_adds_to_every_http_client_is_not_sent_with_the_SDKs_own_requests()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var headers = new ConcurrentQueue<string?>();
        var recorder = new Func<HttpRequestMessage, Task<HttpResponseMessage>?>(request =>
        {
            headers.Enqueue(request.Headers.Authorization?.Scheme);
            return null;
        });
        await using var api = await ProtectedApi.StartAsync(
            clock,
            issuer,
            options => options.FollowRevocations(WhenUnknown.Refuse),
            client => client.ConfigurePrimaryHttpMessageHandler(() => new StubHandler(recorder) { InnerHandler = new SocketsHttpHandler() }),
            services =>
            {
                services.ConfigureHttpClientDefaults(http => http.AddAuthClusterToken());
                services.AddHttpClient(AuthClusterJwtOptions.KeysHttpClient).ConfigurePrimaryHttpMessageHandler(() => new StubHandler(recorder) { InnerHandler = new SocketsHttpHandler() });
            });

        await issuer.FeedHeld.WaitAsync();
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        Assert.NotEmpty(headers);
        Assert.DoesNotContain("Bearer", headers);
    }

    [Theory]
    [InlineData(false, "authcluster", "authcluster-keys")]
    [InlineData(true)]
    public async Task A_filter_for_all_handlers_of_the_application_reaches_the_SDKs_clients_and_can_pass_them_by(bool passesBy, params string[] reached)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var filter = new ResilienceForAll(passesBy);
        await using var api = await ProtectedApi.StartAsync(
            clock,
            issuer,
            options => options.FollowRevocations(WhenUnknown.Refuse),
            services: services => services.AddSingleton<IHttpMessageHandlerBuilderFilter>(filter));

        await issuer.FeedHeld.WaitAsync();
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));
        await api.Services.GetRequiredService<IAccessTokenSource>().GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal(reached, filter.Reached.Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("authcluster")]
    [InlineData(AuthClusterJwtOptions.KeysHttpClient)]
    public async Task Over_HTTP_2_a_connection_that_died_without_a_word_is_found_out_by_pings(string client)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        var handler = api.Services.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(client);
        while (handler is DelegatingHandler { InnerHandler: { } inner })
            handler = inner;

        // A request that is given up leaves its HTTP/2 connection open for the next one.
        var sockets = Assert.IsType<SocketsHttpHandler>(handler);
        Assert.InRange(sockets.KeepAlivePingDelay + sockets.KeepAlivePingTimeout, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(15));
    }

    private static void OverHttp2(IHttpClientBuilder client, StubHandler handler) => client
        .AddHttpMessageHandler(() => handler)
        .ConfigureHttpClient(http => (http.DefaultRequestVersion, http.DefaultVersionPolicy) = (new Version(2, 0), HttpVersionPolicy.RequestVersionExact));

    /// <summary>Fails like service discovery that does not know the authorization server, or like a test's stub of the whole network.</summary>
    private sealed class FailingResolver(ConcurrentQueue<HttpRequestMessage> failed) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            failed.Enqueue(request);
            throw new InvalidOperationException("No endpoint is known for this service.");
        }
    }

    /// <summary>Adds repeats to every client of the application, or to all but the SDK's.</summary>
    private sealed class ResilienceForAll(bool passesBy) : IHttpMessageHandlerBuilderFilter
    {
        public ConcurrentQueue<string?> Reached { get; } = new();

        public Action<HttpMessageHandlerBuilder> Configure(Action<HttpMessageHandlerBuilder> next) => builder =>
        {
            next(builder);
            if (passesBy && builder.Name?.StartsWith("authcluster", StringComparison.Ordinal) == true)
                return;
            builder.AdditionalHandlers.Add(new ResilienceHandler(new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new HttpRetryStrategyOptions()).Build()));
            builder.AdditionalHandlers.Add(new StubHandler(_ =>
            {
                Reached.Enqueue(builder.Name);
                return null;
            }));
        };
    }
}
