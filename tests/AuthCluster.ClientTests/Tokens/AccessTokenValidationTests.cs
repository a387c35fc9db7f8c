using System.Net;
using System.Security.Cryptography;
using System.Text;
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

    public static TheoryData<string> Bad =>
    [
        "type JWT", "no type", "other issuer", "issuer with a slash", "other audience", "no audience", "expired", "no expiry", "not yet valid", "other key, same kid",
        "no kid", "unknown kid", "alg none", "HS256 with the public key", "ES384", "payload changed", "signature cut", "not a JWT", "unknown crit",
    ];

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task A_bad_token_gets_401_invalid_token(string kind)
    {
        var clock = new TestClock();
        await using var issuer = await FakeIssuer.StartAsync(clock);
        await using var api = await ProtectedApi.StartAsync(clock, issuer);
        Assert.Equal(200, await api.StatusAsync(issuer.Mint()));

        using var response = await api.GetAsync("/any", Mint(issuer, clock, kind));

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
    public async Task A_token_lives_for_the_clock_skew_past_its_end_and_no_longer(int seconds, int status)
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
        await using var api = await ProtectedApi.StartAsync(clock, issuer, options => options.FollowRevocations(WhenUnknown.Refuse), services =>
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
    public void What_cannot_work_stops_the_start(string issuer, string audience, string problem)
    {
        var failure = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddAuthentication().AddAuthClusterJwt(options => (options.Issuer, options.Audience) = (issuer, audience)));

        Assert.StartsWith(problem, failure.Message, StringComparison.Ordinal);
    }

    private static string Mint(FakeIssuer issuer, TestClock clock, string kind) => kind switch
    {
        "type JWT" => issuer.Mint(token => token.TokenType = "JWT"),
        "no type" => Forge(issuer, header => header.Replace(",\"typ\":\"at+jwt\"", "", StringComparison.Ordinal)),
        "other issuer" => issuer.Mint(token => token.Issuer = "https://evil.example"),
        "issuer with a slash" => issuer.Mint(token => token.Issuer += "/"),
        "other audience" => issuer.Mint(token => token.Audience = "https://other.example"),
        "no audience" => issuer.Mint(token => token.Audience = null),
        "expired" => issuer.Mint(token => token.Expires = clock.GetUtcNow().UtcDateTime.AddMinutes(-1)),
        "no expiry" => issuer.Mint(token => token.Expires = null),
        "not yet valid" => issuer.Mint(token => token.NotBefore = clock.GetUtcNow().UtcDateTime.AddMinutes(1)),
        "other key, same kid" => issuer.Mint(token => token.SigningCredentials = FakeIssuer.NewKey("k1")),
        "no kid" => Forge(issuer, header => header.Replace("\"kid\":\"k1\",", "", StringComparison.Ordinal)),
        "unknown kid" => Forge(issuer, header => header.Replace("k1", "k9", StringComparison.Ordinal)),
        "alg none" => Unsigned(issuer),
        "HS256 with the public key" => issuer.Mint(token => token.SigningCredentials = new SigningCredentials(
            new SymmetricSecurityKey(((ECDsaSecurityKey)issuer.SigningKey.Key).ECDsa.ExportSubjectPublicKeyInfo()) { KeyId = "k1" }, SecurityAlgorithms.HmacSha256)),
        "ES384" => issuer.Mint(token => token.SigningCredentials = new SigningCredentials(
            new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP384)) { KeyId = "k1" }, SecurityAlgorithms.EcdsaSha384)),
        "payload changed" => Tampered(issuer),
        "signature cut" => issuer.Mint()[..^4],
        "not a JWT" => "acs_this-is-a-secret-sent-as-a-token",
        "unknown crit" => Forge(issuer, header => header.Replace("{", "{\"crit\":[\"exp2\"],\"exp2\":1,", StringComparison.Ordinal)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>A token with a changed header, truly signed by the issuer's key.</summary>
    private static string Forge(FakeIssuer issuer, Func<string, string> changeHeader)
    {
        var parts = issuer.Mint().Split('.');
        var header = Base64UrlEncoder.Decode(parts[0]);
        var changed = changeHeader(header);
        Assert.NotEqual(header, changed);
        var signed = $"{Base64UrlEncoder.Encode(changed)}.{parts[1]}";
        return $"{signed}.{Base64UrlEncoder.Encode(((ECDsaSecurityKey)issuer.SigningKey.Key).ECDsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private static string Unsigned(FakeIssuer issuer) =>
        $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"at+jwt","kid":"k1"}""")}.{issuer.Mint().Split('.')[1]}.";

    private static string Tampered(FakeIssuer issuer)
    {
        var parts = issuer.Mint(scope: "read").Split('.');
        return $"{parts[0]}.{Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(parts[1]).Replace("\"read\"", "\"read admin\"", StringComparison.Ordinal))}.{parts[2]}";
    }
}
