using AuthCluster.Client.AspNetCore.Keys;
using AuthCluster.Client.AspNetCore.Revocation;
using AuthCluster.Client.Revocation;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>
/// Validates a token, then asks whether it has been revoked. A token handler and not one of JwtBearer's events, because an
/// application that sets its own events would switch the check off without noticing.
/// </summary>
internal sealed partial class AccessTokenValidator(IssuerKeys keys, IRevocationCheck? revocation, WhenUnknown whenUnknown, ILogger<AccessTokenValidator> logger) : TokenHandler
{
    private readonly JsonWebTokenHandler _jwt = new() { MapInboundClaims = false };

    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        if (!await keys.TryLoadAsync(CancellationToken.None))
            return Refused(new StandingUnknownException());

        var result = await _jwt.ValidateTokenAsync(token, validationParameters);
        if (!result.IsValid)
            return result.Exception is SecurityTokenSignatureKeyNotFoundException && keys.IsBehind ? Refused(new StandingUnknownException()) : result;

        // RFC 7515 §4.1.11: extensions named there must be understood, and the library looks at none.
        var jwt = (JsonWebToken)result.SecurityToken;
        if (jwt.TryGetHeaderValue<object>("crit", out _))
            return Refused(new SecurityTokenValidationException("The token has a critical header."));
        if (revocation is null)
            return result;

        return await StandingAsync(revocation, jwt) switch
        {
            TokenStanding.Active => result,
            TokenStanding.Revoked => Refused(new SecurityTokenValidationException("The token has been revoked.")),
            _ when whenUnknown == WhenUnknown.Accept => result,
            _ => Refused(new StandingUnknownException()),
        };
    }

    public override SecurityToken ReadToken(string token) => _jwt.ReadToken(token);

    /// <summary>Whatever goes wrong, nothing is known of the token, and the application's choice decides.</summary>
    private async Task<TokenStanding> StandingAsync(IRevocationCheck check, JsonWebToken jwt)
    {
        try
        {
            return await check.CheckAsync(jwt, CancellationToken.None);
        }
#pragma warning disable CA1031 // JwtBearer would answer 401, which sends a caller for a new token in vain.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogCheckFailed(e);
            return TokenStanding.Unknown;
        }
    }

    private static TokenValidationResult Refused(Exception exception) => new() { IsValid = false, Exception = exception };

    [LoggerMessage(1384, LogLevel.Error, "A token's standing could not be found out")]
    private partial void LogCheckFailed(Exception exception);
}
