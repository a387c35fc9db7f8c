using AuthCluster.Client.AspNetCore.Keys;
using AuthCluster.Client.AspNetCore.Revocation;
using AuthCluster.Client.Revocation;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>
/// Validates a token, then asks whether it has been revoked. A token handler and not one of JwtBearer's events, because an
/// application that sets its own events would switch the check off without noticing.
/// </summary>
internal sealed class AccessTokenValidator(IssuerKeys keys, IRevocationCheck? revocation, WhenUnknown whenUnknown) : TokenHandler
{
    private readonly JsonWebTokenHandler _jwt = new() { MapInboundClaims = false };

    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        if (!await keys.TryLoadAsync(CancellationToken.None))
            return Refused(new StandingUnknownException());

        var result = await _jwt.ValidateTokenAsync(token, validationParameters);
        if (!result.IsValid)
            return result;

        // RFC 7515 §4.1.11: extensions named there must be understood, and the library looks at none.
        var jwt = (JsonWebToken)result.SecurityToken;
        if (jwt.TryGetHeaderValue<object>("crit", out _))
            return Refused(new SecurityTokenValidationException("The token has a critical header."));
        if (revocation is null)
            return result;

        return await revocation.CheckAsync(jwt, CancellationToken.None) switch
        {
            TokenStanding.Active => result,
            TokenStanding.Revoked => Refused(new SecurityTokenValidationException("The token has been revoked.")),
            _ when whenUnknown == WhenUnknown.Accept => result,
            _ => Refused(new StandingUnknownException()),
        };
    }

    public override SecurityToken ReadToken(string token) => _jwt.ReadToken(token);

    private static TokenValidationResult Refused(Exception exception) => new() { IsValid = false, Exception = exception };
}
