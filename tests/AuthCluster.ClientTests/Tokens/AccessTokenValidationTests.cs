using System.Net;
using AuthCluster.Client.AspNetCore;
using AuthCluster.ClientTests.Servers;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.ClientTests.Tokens;

/// <summary>RFC 9068 §4 and RFC 6750 §3, by an API that the SDK protects.</summary>
public class AccessTokenValidationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_good_token_is_accepted_and_its_client_is_the_users_name()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        using var response = await api.GetAsync("/who", issuer.Mint());

        Assert.Equal("orders True False", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Without_a_token_the_challenge_has_no_error_code()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        using var response = await api.GetAsync("/any");

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
    }

    public static TheoryData<string> Bad => [.. BadTokens.Kinds];

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task A_bad_token_gets_401_invalid_token(string kind)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        using var response = await api.GetAsync("/any", BadTokens.Mint(issuer, clock, kind));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("error=\"invalid_token\"", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SecurityAlgorithms.RsaSha256)]
    [InlineData(SecurityAlgorithms.RsaSsaPssSha256)]
    public void The_other_algorithms_of_the_server_are_accepted(string algorithm)
    {
        using var services = new ServiceCollection().AddLogging().AddAuthentication()
            .AddAuthClusterJwt(options => (options.Issuer, options.Audience) = ("https://auth.example", ProtectedApi.Audience)).Services.BuildServiceProvider();

        var rules = services.GetRequiredService<Microsoft.Extensions.Options.IOptionsMonitor<JwtBearerOptions>>().Get("Bearer").TokenValidationParameters;

        Assert.Contains(algorithm, rules.ValidAlgorithms);
        Assert.Equal(3, rules.ValidAlgorithms.Count());
    }

    [Theory]
    [InlineData(29, 200)]
    [InlineData(31, 401)]
    public async Task A_token_is_accepted_for_the_clock_skew_past_its_end_and_no_longer(int seconds, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        var token = issuer.Mint();

        clock.Advance(issuer.Lifetime + TimeSpan.FromSeconds(seconds));

        Assert.Equal(status, await api.StatusAsync(token));
    }

    [Fact]
    public async Task A_missing_scope_gets_403_that_names_the_scopes_that_are_wanted()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        using var response = await api.GetAsync("/admin", issuer.Mint(scope: "read"));

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("Bearer error=\"insufficient_scope\", scope=\"read admin\"", response.Headers.WwwAuthenticate.ToString());
    }

    [Theory]
    [InlineData("read", 200)]
    [InlineData("write read", 200)]
    [InlineData("reader", 403)]
    [InlineData("READ", 403)]
    [InlineData("write", 403)]
    [InlineData(null, 403)]
    public async Task A_scope_is_a_whole_word_of_the_claim(string? scope, int status)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);

        Assert.Equal(status, await api.StatusAsync(issuer.Mint(scope: scope), "/read"));
    }

    [Fact]
    public async Task An_application_with_events_of_its_own_keeps_them_and_the_rules()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var validated = 0;
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse), services: services =>
            services.Configure<JwtBearerOptions>("Bearer", bearer => bearer.Events = new JwtBearerEvents
            {
                OnTokenValidated = _ =>
                {
                    validated++;
                    return Task.CompletedTask;
                },
            }));
        await issuer.FeedHeld.WaitAsync();
        var token = issuer.Mint();
        Assert.Equal(200, await api.StatusAsync(token));

        issuer.Publish("client", FakeIssuer.ClientId, issuer.Generation + 1);
        await issuer.FeedHeld.WaitAsync();

        Assert.Equal(401, await api.StatusAsync(token));
        Assert.Equal(403, await api.StatusAsync(issuer.Mint(descriptor => descriptor.Claims["gen"] = issuer.Generation + 1, scope: "write"), "/read"));
        Assert.Equal(2, validated);
    }

    [Theory]
    [InlineData("", ProtectedApi.Audience, "Issuer: missing")]
    [InlineData("http://auth.example", ProtectedApi.Audience, "Issuer: plain http")]
    [InlineData("https://auth.example", "", "Audience: missing")]
    public void A_setting_that_cannot_work_stops_the_start(string issuer, string audience, string problem)
    {
        var failure = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddAuthentication().AddAuthClusterJwt(options => (options.Issuer, options.Audience) = (issuer, audience)));

        Assert.StartsWith(problem, failure.Message, StringComparison.Ordinal);
    }
}
