using AuthCluster.Client;
using AuthCluster.ClientTests.Servers;
using Microsoft.Extensions.Configuration;

namespace AuthCluster.ClientTests.Tokens;

public sealed class SecretRotationTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), "authcluster-" + Path.GetRandomFileName());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task A_secret_rotated_under_a_running_client_costs_no_call()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await File.WriteAllTextAsync(_file, issuer.Secret + "\n", Cancel);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.ClientSecret, options.ClientSecretFile) = (null, _file));

        for (var minute = 0; minute < 6 * 60; minute++)
        {
            if (minute % 100 == 30)
            {
                // The worst case: the server refuses the old secret long before the new one is in the file.
                issuer.Secrets.Clear();
                issuer.Secrets[$"secret-from-minute-{minute}"] = true;
            }

            // The file gets the new secret only after two renewals have been refused.
            var refused = issuer.TokenRequests.Reverse().TakeWhile(seen => seen.Secret != issuer.Secret).Count();
            if (minute % 100 > 30 && refused >= 2)
                await File.WriteAllTextAsync(_file, issuer.Secret + "\n", Cancel);

            var token = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);
            Assert.True(token.ExpiresAt > clock.GetUtcNow());
            await host.QuietAsync();
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Contains(issuer.TokenRequests, seen => seen.Secret == "secret-from-minute-230");
    }

    [Fact]
    public async Task A_secret_that_is_refused_is_read_again_and_tried_once_more()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var reads = 0;
        await using var host = SdkHost.ForTokens(clock, issuer, options =>
        {
            options.ClientSecret = null;
            options.ReadSecretWith(_ => ValueTask.FromResult(reads++ == 0 ? "the old one" : issuer.Secret));
        });

        var token = await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.NotEmpty(token.Value);
        Assert.Equal(["the old one", issuer.Secret], issuer.TokenRequests.Select(seen => seen.Secret));
    }

    [Fact]
    public async Task A_secret_that_is_refused_and_unchanged_is_not_tried_again()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await File.WriteAllTextAsync(_file, "wrong", Cancel);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.ClientSecret, options.ClientSecretFile) = (null, _file));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.InvalidClient, failure.Error);
        Assert.Single(issuer.TokenRequests);
    }

    [Fact]
    public async Task A_reloaded_configuration_takes_effect_without_a_restart()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Auth:Issuer"] = issuer.Issuer,
            ["Auth:ClientId"] = FakeIssuer.ClientId,
            ["Auth:ClientSecret"] = issuer.Secret,
            ["Auth:Scope"] = "read",
            ["Auth:AttemptTimeout"] = "00:00:09",
            ["Auth:Authentication"] = "Post",
        }).Build();
        await using var host = new SdkHost(clock, services => services.AddAuthClusterTokens(configuration.GetSection("Auth")));
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        issuer.Secrets.Clear();
        issuer.Secrets["the new one"] = true;
        configuration["Auth:ClientSecret"] = "the new one";
        configuration.Reload();
        host.Tokens.Invalidate();
        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        Assert.Equal("the new one", issuer.TokenRequests.Last().Secret);
        Assert.All(issuer.TokenRequests, seen => Assert.Equal(("post", "read"), (seen.Method, seen.Form["scope"])));
    }

    [Theory]
    [InlineData(ClientAuthentication.Basic, "basic")]
    [InlineData(ClientAuthentication.Post, "post")]
    public async Task A_secret_of_any_characters_survives_either_way_of_sending_it(ClientAuthentication authentication, string method)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        const string Secret = "a:b%3Ac+d e/=&~\"\\é€";
        issuer.Secrets.Clear();
        issuer.Secrets[Secret] = true;
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.ClientSecret, options.Authentication) = (Secret, authentication));

        await host.Tokens.GetTokenAsync(cancellationToken: Cancel);

        var seen = Assert.Single(issuer.TokenRequests);
        Assert.Equal((Secret, method), (seen.Secret, seen.Method));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("\n")]
    public async Task A_secret_file_that_is_missing_or_empty_is_named_in_the_error(string? content)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        if (content is not null)
            await File.WriteAllTextAsync(_file, content, Cancel);
        await using var host = SdkHost.ForTokens(clock, issuer, options => (options.ClientSecret, options.ClientSecretFile) = (null, _file));

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.Misconfigured, failure.Error);
        Assert.Contains("secret", failure.Message, StringComparison.Ordinal);
        Assert.Empty(issuer.TokenRequests);
    }

    [Fact]
    public async Task A_reader_of_the_application_that_fails_is_an_error_of_this_library_and_not_a_crash()
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var host = SdkHost.ForTokens(clock, issuer, options =>
        {
            options.ClientSecret = null;
            options.ReadSecretWith(_ => throw new InvalidOperationException("the vault is sealed"));
        });

        var failure = await Assert.ThrowsAsync<AuthClusterException>(() => host.Tokens.GetTokenAsync(cancellationToken: Cancel).AsTask());

        Assert.Equal(AuthClusterError.Misconfigured, failure.Error);
        Assert.Equal("the vault is sealed", failure.InnerException?.Message);
    }
}
