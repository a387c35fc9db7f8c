using AuthCluster.Client;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace AuthCluster.ClientTests.Tokens;

public class TokenErrorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, "invalid_request", AuthClusterError.InvalidRequest)]
    [InlineData(401, "invalid_client", AuthClusterError.InvalidClient)]
    [InlineData(400, "invalid_client", AuthClusterError.InvalidClient)]
    [InlineData(400, "unauthorized_client", AuthClusterError.UnauthorizedClient)]
    [InlineData(400, "unsupported_grant_type", AuthClusterError.UnsupportedGrantType)]
    [InlineData(400, "invalid_scope", AuthClusterError.InvalidScope)]
    [InlineData(400, "invalid_target", AuthClusterError.InvalidTarget)]
    [InlineData(400, "something_new", AuthClusterError.UnexpectedAnswer)]
    public async Task A_permanent_error_is_typed_and_not_repeated_and_says_what_to_do(int status, string code, AuthClusterError expected)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(status, $$"""{"error":"{{code}}","error_description":"what went wrong"}""");

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(expected, failure.Error);
        Assert.False(failure.IsTransient);
        Assert.Contains($"{status} {code}: what went wrong.", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(failure.Advice, failure.Message, StringComparison.Ordinal);
        Assert.Single(issuer.TokenRequests);
    }

    [Fact]
    public void Every_error_has_advice_and_a_code_of_its_own()
    {
        var all = Enum.GetValues<AuthClusterError>().Select(error => new AuthClusterException(error, "It failed.")).ToArray();

        Assert.All(all, failure => Assert.True(failure.Advice.Length > 20));
        Assert.Equal(all.Length, all.Select(failure => failure.Code).Distinct().Count());
    }

    [Theory]
    [InlineData("""{"access_token":"abc","token_type":"mac","expires_in":60}""")]
    [InlineData("""{"access_token":"","token_type":"Bearer","expires_in":60}""")]
    [InlineData("""{"access_token":"a\r\nX-Injected: 1","token_type":"Bearer","expires_in":60}""")]
    [InlineData("""{"access_token":"abc","token_type":"Bearer","expires_in":0}""")]
    [InlineData("""{"access_token":"abc","token_type":"Bearer","expires_in":-1}""")]
    [InlineData("""{"access_token":"abc","token_type":"Bearer","expires_in":"soon"}""")]
    [InlineData("""["abc"]""")]
    [InlineData("null")]
    [InlineData("<html>please log in</html>")]
    [InlineData("")]
    public async Task An_answer_that_is_no_bearer_token_is_refused(string body)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(200, body);

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.UnexpectedAnswer, failure.Error);
    }

    [Fact]
    public async Task A_token_without_a_stated_lifetime_is_kept_for_a_minute()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(200, """{"access_token":"abc","token_type":"bearer"}""");

        var first = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        clock.Advance(TimeSpan.FromSeconds(40));
        var still = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
        clock.Advance(TimeSpan.FromSeconds(20));
        var next = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal("abc", first.Value);
        Assert.Same(first, still);
        Assert.NotSame(first, next);
    }

    [Fact]
    public async Task A_description_is_shortened_and_stripped_of_what_a_log_must_not_have()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(400, """{"error":"invalid_scope","error_description":"a\nfaked log line LONG"}""".Replace("LONG", new string('x', 5000), StringComparison.Ordinal));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.DoesNotContain('\n', failure.Message);
        Assert.True(failure.Message.Length < 500);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_with_the_secret()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var elsewhere = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.NextToken(context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = elsewhere.Issuer + "/oauth/token";
            return Task.CompletedTask;
        });

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.UnexpectedAnswer, failure.Error);
        Assert.Empty(elsewhere.TokenRequests);
    }

    [Fact]
    public async Task Metadata_of_another_issuer_is_not_believed()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer);
        issuer.MetadataIssuer = "https://evil.example";

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.Misconfigured, failure.Error);
        Assert.Empty(issuer.TokenRequests);
    }

    [Fact]
    public async Task With_a_token_endpoint_no_metadata_is_asked_for()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.Issuer, options.TokenEndpoint) = (null, issuer.Issuer + "/oauth/token"));

        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal(0, issuer.MetadataRequests);
    }

    [Theory]
    [InlineData("http://auth.example.com", "Issuer: plain http")]
    [InlineData("auth.example.com", "Issuer: not an absolute")]
    [InlineData("ftp://auth.example.com", "Issuer: not an absolute")]
    [InlineData("https://user:pw@auth.example.com", "Issuer: holds user information")]
    [InlineData("", "Issuer: missing")]
    public async Task An_issuer_that_cannot_be_used_safely_is_refused_without_repeating_secrets(string issuer, string problem)
    {
        await using var host = new SdkHost(new TestClock(), services => services.AddAuthClusterTokens(options =>
            (options.Issuer, options.ClientId, options.ClientSecret) = (issuer, "orders", "the-secret")));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());
        var atStart = Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IStartupValidator>().Validate());

        Assert.Equal(AuthClusterError.Misconfigured, failure.Error);
        Assert.All([failure.Message, atStart.Message], text => Assert.Contains(problem, text, StringComparison.Ordinal));
        Assert.All([failure.ToString(), atStart.ToString()], text => Assert.DoesNotContain("the-secret", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Plain_http_beyond_this_machine_is_possible_only_when_asked_for()
    {
        await using var host = new SdkHost(new TestClock(), services => services.AddAuthClusterTokens(options =>
            (options.Issuer, options.ClientId, options.ClientSecret, options.AllowPlainHttp) = ("http://auth.internal:8080", "orders", "x", true)));

        host.Services.GetRequiredService<IStartupValidator>().Validate();
    }

    [Theory]
    [InlineData(null, null, "missing")]
    [InlineData("a", "/run/b", "more than once")]
    public async Task Exactly_one_source_of_the_secret_is_wanted(string? secret, string? file, string problem)
    {
        await using var host = new SdkHost(new TestClock(), services => services.AddAuthClusterTokens(options =>
            (options.Issuer, options.ClientId, options.ClientSecret, options.ClientSecretFile) = ("https://auth.example", "orders", secret, file)));

        var failure = Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IStartupValidator>().Validate());

        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
    }
}
