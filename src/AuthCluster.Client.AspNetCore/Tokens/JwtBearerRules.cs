using AuthCluster.Client.AspNetCore.Keys;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>What a resource server must check (RFC 9068 §4), as settings of JwtBearer.</summary>
/// <remarks>
/// A request moves from JwtBearer into <see cref="AccessTokenValidator"/>, which has <see cref="IssuerKeys"/> for the
/// signature and an <see cref="Revocation.IRevocationCheck"/> for the rest; what is refused is worded by <see cref="BearerAnswers"/>.
/// </remarks>
internal static class JwtBearerRules
{
    private static readonly string[] Types = ["at+jwt", "application/at+jwt"];
    private static readonly string[] Algorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256];

    public static void Apply(JwtBearerOptions bearer, AuthClusterJwtOptions options, AccessTokenValidator validator, IssuerKeys keys, TimeProvider clock)
    {
        bearer.ConfigurationManager = keys;
        bearer.MapInboundClaims = false;
        bearer.RequireHttpsMetadata = false; // checked by the options, which know loopback
        bearer.TokenHandlers.Clear();
        bearer.TokenHandlers.Add(validator);

        var rules = bearer.TokenValidationParameters;
        rules.ValidIssuer = options.Issuer;
        rules.ValidAudience = options.Audience;
        rules.IgnoreTrailingSlashWhenValidatingAudience = false; // the server compares ordinally: these are two audiences
        rules.ValidTypes = Types;
        rules.ValidAlgorithms = Algorithms;
        rules.ClockSkew = options.ClockSkew;
        rules.LifetimeValidator = (notBefore, expires, _, parameters) => IsAlive(notBefore, expires, parameters.ClockSkew, clock);
        rules.TryAllIssuerSigningKeys = false; // a token without a known kid must not be tried against every key, a revoked one too
        rules.NameClaimType = "client_id";
    }

    private static bool IsAlive(DateTime? notBefore, DateTime? expires, TimeSpan skew, TimeProvider clock)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        if (expires is not { } end)
            throw new SecurityTokenNoExpirationException("The token does not expire.");
        // Move the clock, not the token's times: adding to a time that an attacker chose may overflow.
        if (end <= now - skew)
            throw new SecurityTokenExpiredException("The token has expired.") { Expires = end };
        if (notBefore is { } begin && begin > now + skew)
            throw new SecurityTokenNotYetValidException("The token is not valid yet.") { NotBefore = begin };
        return true;
    }
}
