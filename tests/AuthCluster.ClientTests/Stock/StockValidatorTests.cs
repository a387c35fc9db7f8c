using AuthCluster.ClientTests.Servers;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.ClientTests.Stock;

/// <summary>Validators that this project did not write, set up as the documentation says, judge tokens as the SDK's one line does.</summary>
public sealed class StockValidatorTests : IDisposable
{
    /// <summary>
    /// The bad tokens that some versions of a validator accept. Only the issuer's own key could sign them, and no issuer of this
    /// project makes them. The documentation says so.
    /// </summary>
    private static readonly Dictionary<string, string[]> PerhapsAccepted = new(StringComparer.Ordinal)
    {
        ["JwtBearer"] = ["unknown crit"],
        ["jose"] = [],
        ["PyJWT"] = ["unknown crit"],
        ["Authlib"] = [],
    };

    private readonly StockValidator _validator = new();

    [Theory]
    [InlineData("JwtBearer")]
    [InlineData("jose")]
    [InlineData("PyJWT")]
    [InlineData("Authlib")]
    public async Task A_stock_validator_accepts_and_refuses_the_same_tokens(string validator)
    {
        await using var issuer = await FakeIssuer.StartAsync(TimeProvider.System);
        var tokens = TokensOf(issuer);
        await using var api = await ProtectedApi.StartAsync(TimeProvider.System, issuer);
        var ours = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var (name, token) in tokens)
        {
            ours[name] = await api.StatusAsync(token) == 200;
        }

        var theirs = validator == "JwtBearer" ? await JudgeByJwtBearerAsync(issuer, tokens) : await _validator.JudgeAsync(validator, issuer, tokens);

        Assert.Equal(Good, ours.Where(verdict => verdict.Value).Select(verdict => verdict.Key));
        Assert.Equal(
            Good.Order(StringComparer.Ordinal),
            theirs.Where(verdict => verdict.Value).Select(verdict => verdict.Key).Except(PerhapsAccepted[validator]).Order(StringComparer.Ordinal));
    }

    public void Dispose() => _validator.Dispose();

    private static string[] Good => ["usual", "without scope", "for two audiences", "after a rotation", "RS256", "PS256"];

    private static Dictionary<string, string> TokensOf(FakeIssuer issuer)
    {
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["usual"] = issuer.Mint(),
            ["without scope"] = issuer.Mint(scope: null),
            ["for two audiences"] = issuer.Mint(token =>
            {
                token.Audience = null;
                token.Audiences.Add("https://other.example");
                token.Audiences.Add(ProtectedApi.Audience);
            }),
        };
        foreach (var kind in BadTokens.Kinds)
        {
            tokens[kind] = BadTokens.Mint(issuer, TimeProvider.System, kind);
        }

        issuer.Rotate("k2");
        tokens["after a rotation"] = issuer.Mint();
        issuer.Rotate("r1", key: FakeIssuer.NewRsaKey("r1", SecurityAlgorithms.RsaSha256));
        tokens["RS256"] = issuer.Mint();
        issuer.Rotate("r2", key: FakeIssuer.NewRsaKey("r2", SecurityAlgorithms.RsaSsaPssSha256));
        tokens["PS256"] = issuer.Mint();
        return tokens;
    }

    private static async Task<Dictionary<string, bool>> JudgeByJwtBearerAsync(FakeIssuer issuer, Dictionary<string, string> tokens)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddAuthorization();
        // As in docs/using-tokens.md, but for the plain http of loopback.
        builder.Services.AddAuthentication().AddJwtBearer(jwt =>
        {
            jwt.Authority = issuer.Issuer;
            jwt.RequireHttpsMetadata = false;
            jwt.MapInboundClaims = false;
            jwt.AutomaticRefreshInterval = TimeSpan.FromMinutes(10);
            jwt.TokenValidationParameters.ValidTypes = ["at+jwt"];
            jwt.TokenValidationParameters.ValidAudience = ProtectedApi.Audience;
            jwt.TokenValidationParameters.IgnoreTrailingSlashWhenValidatingAudience = false;
            jwt.TokenValidationParameters.ValidAlgorithms = ["ES256", "RS256", "PS256"];
            jwt.TokenValidationParameters.TryAllIssuerSigningKeys = false;
            jwt.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
        });
        builder.Services.PostConfigure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, jwt =>
            ((BaseConfigurationManager)jwt.ConfigurationManager!).UseLastKnownGoodConfiguration = false);
        await using var app = builder.Build();
        app.MapGet("/", () => "ok").RequireAuthorization();
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        var verdicts = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var (name, token) in tokens)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.Authorization = new("Bearer", token);
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            verdicts[name] = answer.IsSuccessStatusCode;
        }

        return verdicts;
    }
}
