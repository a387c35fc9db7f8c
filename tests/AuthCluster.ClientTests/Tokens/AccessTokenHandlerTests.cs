using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using AuthCluster.Client;
using AuthCluster.Client.Tokens;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.ClientTests.Tokens;

public class AccessTokenHandlerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_carry_the_token_and_it_is_not_left_on_them()
    {
        await using var at = await Bench.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "orders");

        using var response = await at.Http.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((await at.Host.Tokens.GetTokenAsync(cancellationToken: Cancel)).Value, Assert.Single(at.Api.Requests).Token);
        Assert.Null(request.Headers.Authorization);
    }

    [Fact]
    public async Task A_refused_token_is_replaced_and_the_request_sent_once_more()
    {
        await using var at = await Bench.StartAsync();
        var refused = await at.RefusePresentTokenAsync();

        using var response = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, at.Api.Requests.Count);
        Assert.Equal(refused, at.Api.Requests.First().Token);
        Assert.NotEqual(refused, at.Api.Requests.Last().Token);
    }

    [Fact]
    public async Task A_thousand_refused_requests_ask_for_one_new_token()
    {
        await using var at = await Bench.StartAsync();
        await at.RefusePresentTokenAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => at.Http.GetAsync("orders", Cancel)));

        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(2, at.Issuer.TokenRequests.Count);
    }

    [Fact]
    public async Task A_host_that_the_API_redirects_to_gets_no_token_whatever_it_answers()
    {
        await using var at = await Bench.StartAsync();
        await using var other = await FakeApi.StartAsync();
        other.RefusesAll = true;
        at.Api.RedirectsTo = new Uri(other.Address, "steal");
        using var request = new HttpRequestMessage(HttpMethod.Get, "orders");

        using var response = await at.Http.SendAsync(request, Cancel);

        // The other host asks for another token by its refusal: the handler does not repeat the request, and a repeat from outside goes to the API.
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("", Assert.Single(other.Requests).Token);
        Assert.Single(at.Issuer.TokenRequests);
        Assert.Equal(at.Api.Address.Authority, request.RequestUri!.Authority);
    }

    [Fact]
    public async Task A_repeat_after_a_redirect_that_led_nowhere_goes_to_the_API()
    {
        await using var at = await Bench.StartAsync();
        at.Api.RedirectsTo = new Uri("http://127.0.0.1:1/");
        using var request = new HttpRequestMessage(HttpMethod.Get, "orders");

        await Assert.ThrowsAsync<HttpRequestException>(() => at.Http.SendAsync(request, Cancel));

        Assert.Equal(at.Api.Address.Authority, request.RequestUri!.Authority);
    }

    public static TheoryData<string> Replayable => ["string", "bytes", "form", "json", "multipart", "small stream", "unseekable with a length"];

    [Theory]
    [MemberData(nameof(Replayable))]
    public async Task A_body_that_can_be_sent_twice_is_sent_again_after_a_refusal(string kind)
    {
        await using var at = await Bench.StartAsync();
        await at.RefusePresentTokenAsync();
        using var content = Body(kind);

        using var response = await at.Http.PostAsync("orders", content, Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var bodies = at.Api.Requests.Select(seen => seen.Body).ToArray();
        Assert.Equal(2, bodies.Length);
        Assert.Contains("payload", bodies[0], StringComparison.Ordinal);
        Assert.Equal(bodies[0], bodies[1]);
    }

    [Theory]
    [InlineData("large stream")]
    [InlineData("unknown length")]
    public async Task A_body_that_cannot_be_sent_twice_is_sent_once_and_the_refusal_handed_on(string kind)
    {
        await using var at = await Bench.StartAsync();
        var refused = await at.RefusePresentTokenAsync();
        using var content = Body(kind);

        using var response = await at.Http.PostAsync("orders", content, Cancel);
        using var next = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode); // the token was dropped all the same
        Assert.NotEqual(refused, at.Api.Requests.Last().Token);
        Assert.Equal(2, at.Api.Requests.Count);
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer error=\"insufficient_scope\"")]
    [InlineData("Bearer error_description=\"error=invalid_token\"")]
    [InlineData("Bearer realm=\"error=\\\"invalid_token\\\"\"")]
    [InlineData("Basic error=\"invalid_token\"")]
    [InlineData("Negotiate")]
    public async Task Another_refusal_is_handed_on_and_costs_no_token(string challenge)
    {
        await using var at = await Bench.StartAsync();
        at.Api.Challenge = challenge;
        await at.RefusePresentTokenAsync();

        using var response = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Single(at.Api.Requests);
        Assert.Single(at.Issuer.TokenRequests);
    }

    [Theory]
    [InlineData("bearer ERROR=invalid_token")]
    [InlineData("Bearer realm=x, error = \"invalid_token\"")]
    [InlineData("Basic realm=\"x\", Bearer error=\"invalid_token\"")]
    public async Task The_challenge_is_read_as_its_grammar_allows(string challenge)
    {
        await using var at = await Bench.StartAsync();
        at.Api.Challenge = challenge;
        await at.RefusePresentTokenAsync();

        using var response = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task An_api_that_refuses_every_token_costs_two_renewals_in_ten_seconds_and_not_one_a_call()
    {
        await using var at = await Bench.StartAsync();
        at.Api.RefusesAll = true;

        for (var i = 0; i < 50; i++)
        {
            using var response = await at.Http.GetAsync("orders", Cancel);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        Assert.Equal(3, at.Issuer.TokenRequests.Count);
    }

    [Fact]
    public async Task When_no_other_token_can_be_got_the_apis_refusal_is_handed_on()
    {
        await using var at = await Bench.StartAsync();
        await at.RefusePresentTokenAsync();
        at.Issuer.NextToken(429, """{"error":"slow_down"}""", retryAfter: "60");

        using var response = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Single(at.Api.Requests);
    }

    [Fact]
    public async Task A_server_that_gives_the_same_token_again_causes_no_repeat()
    {
        await using var at = await Bench.StartAsync();
        var refused = await at.RefusePresentTokenAsync();
        at.Issuer.NextToken(200, $$"""{"access_token":"{{refused}}","token_type":"Bearer","expires_in":3000}""");

        using var response = await at.Http.GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Single(at.Api.Requests);
    }

    [Fact]
    public async Task An_authorization_of_the_caller_is_left_alone()
    {
        await using var at = await Bench.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "orders") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "my-own") } };

        using var response = await at.Http.SendAsync(request, Cancel);

        Assert.Equal("my-own", Assert.Single(at.Api.Requests).Token);
        Assert.Empty(at.Issuer.TokenRequests);
    }

    [Fact]
    public async Task A_token_is_not_sent_by_plain_http_beyond_this_machine()
    {
        await using var at = await Bench.StartAsync();

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => at.Http.GetAsync("http://api.example.com/orders", Cancel));

        Assert.Equal(AuthClusterError.Misconfigured, failure.Error);
        Assert.Empty(at.Issuer.TokenRequests);
    }

    [Fact]
    public async Task A_synchronous_request_says_that_it_is_not_offered()
    {
        await using var at = await Bench.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "orders");

#pragma warning disable xUnit1051, CA1849 // the synchronous method is what is tested
        Assert.Throws<NotSupportedException>(() => at.Http.Send(request));
#pragma warning restore xUnit1051, CA1849
    }

    [Fact]
    public async Task Each_client_asks_for_the_scope_and_audience_that_it_was_given()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await FakeApi.StartAsync();
        await using var host = new SdkHost(clock, services =>
        {
            services.AddAuthClusterTokens("billing", options => (options.Issuer, options.ClientId, options.ClientSecret) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret));
            services.AddHttpClient("orders", http => http.BaseAddress = api.Address)
                .AddAuthClusterToken(token => (token.Source, token.Scope, token.Audience) = ("billing", "read", "https://orders"));
        });

        using var response = await host.Http("orders").GetAsync("orders", Cancel);

        var form = Assert.Single(issuer.TokenRequests).Form;
        Assert.Equal(("read", "https://orders"), (form["scope"], form["audience"]));
        Assert.Null(host.Services.GetService<IAccessTokenSource>());
        Assert.NotNull(host.Services.GetKeyedService<IAccessTokenSource>("billing"));
    }

    [Fact]
    public async Task A_handler_set_as_the_default_of_all_clients_does_not_wait_for_itself()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await FakeApi.StartAsync();
        await using var host = new SdkHost(clock, services =>
        {
            services.ConfigureHttpClientDefaults(http => http.AddAuthClusterToken());
            services.AddAuthClusterTokens(options =>
                (options.Issuer, options.ClientId, options.ClientSecret, options.Authentication) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret, ClientAuthentication.Post));
            services.AddHttpClient("orders", http => http.BaseAddress = api.Address);
        });

        using var response = await host.Http("orders").GetAsync("orders", Cancel);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static HttpContent Body(string kind) => kind switch
    {
        "string" => new StringContent("payload"),
        "bytes" => new ByteArrayContent("payload"u8.ToArray()),
        "form" => new FormUrlEncodedContent([new("payload", "1")]),
        "json" => JsonContent.Create(new { payload = 1 }),
        "multipart" => new MultipartFormDataContent("fixed") { { new StringContent("payload"), "part" } },
        "small stream" => new StreamContent(new MemoryStream("payload"u8.ToArray())),
        "unseekable with a length" => new StreamContent(new OneWayStream("payload")) { Headers = { ContentLength = 7 } },
        "large stream" => new StreamContent(new MemoryStream(new byte[100_000])),
        "unknown length" => new StreamContent(new OneWayStream("payload")),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>A stream that can't be rewound.</summary>
    private sealed class OneWayStream(string text) : MemoryStream(Encoding.UTF8.GetBytes(text))
    {
        public override bool CanSeek => false;
    }

    /// <summary>Issuer, API, and an application whose client "api" carries tokens.</summary>
    private sealed class Bench(FakeIssuer issuer, FakeApi api, SdkHost host) : IAsyncDisposable
    {
        public FakeIssuer Issuer => issuer;

        public FakeApi Api => api;

        public SdkHost Host => host;

        public HttpClient Http { get; } = host.Http("api");

        public static async Task<Bench> StartAsync()
        {
            var clock = new TestClock();
            var issuer = await FakeIssuer.StartAsync(clock);
            var api = await FakeApi.StartAsync();
            return new Bench(issuer, api, new SdkHost(clock, services =>
            {
                services.AddAuthClusterTokens(options => (options.Issuer, options.ClientId, options.ClientSecret) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret));
                services.AddHttpClient("api", http => http.BaseAddress = api.Address).AddAuthClusterToken();
            }));
        }

        public async Task<string> RefusePresentTokenAsync()
        {
            var token = (await host.Tokens.GetTokenAsync(cancellationToken: Cancel)).Value;
            api.Refused[token] = true;
            return token;
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await host.DisposeAsync();
            await api.DisposeAsync();
            await issuer.DisposeAsync();
        }
    }
}
