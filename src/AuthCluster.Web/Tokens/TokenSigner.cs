using System.Text;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Keys;
using Microsoft.IdentityModel.JsonWebTokens;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Signs access tokens (RFC 9068). A front end does this rather than a grain, because a grain has one thread, and more front ends bring more
/// processors.
/// </summary>
public sealed class TokenSigner(KeyRing keys, IssuerUri issuer, TimeProvider clock)
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private static readonly Dictionary<string, object> Header = new(StringComparer.Ordinal) { ["typ"] = AccessTokenPayload.HeaderType };

    /// <summary>The id of the key that signs now.</summary>
    public string ActiveKid => keys.Current?.Active.Key.KeyId ?? "";

    /// <summary>Signs one token. The caller has asked the key ring whether the keys may be used.</summary>
    /// <exception cref="InvalidOperationException">No key is held yet.</exception>
    public SignedToken Sign(string clientId, TokenGrant grant)
    {
        var snapshot = keys.Current ?? throw new InvalidOperationException("No signing key is held.");
        var jti = TokenId.New();
        var issuedAt = clock.GetUtcNow().ToUnixTimeSeconds();

        var payload = new AccessTokenPayload
        {
            Issuer = issuer.Value,
            ClientId = clientId,
            Audiences = grant.Audiences,
            Scope = grant.Scope,
            IssuedAt = issuedAt,
            ExpiresAt = issuedAt + grant.LifetimeSeconds,
            TokenId = jti,
            Generation = grant.Generation,
            ExtraClaims = grant.ClaimsJson is { } claims ? Encoding.UTF8.GetBytes(claims) : default,
        };
        var token = Handler.CreateToken(payload.ToJson(), snapshot.Active, Header);
        return new SignedToken(token, jti, issuedAt + grant.LifetimeSeconds, grant.LifetimeSeconds);
    }
}

/// <summary>A signed token.</summary>
/// <param name="Token">The compact JWS. Never logged.</param>
/// <param name="Jti">Its id.</param>
/// <param name="ExpiresAt">Its <c>exp</c>, Unix seconds.</param>
/// <param name="ExpiresIn">Seconds from now to <paramref name="ExpiresAt"/>.</param>
public readonly record struct SignedToken(string Token, string Jti, long ExpiresAt, int ExpiresIn)
{
    /// <summary>Prints the id, not the token.</summary>
    public override string ToString() => $"SignedToken({Jti})";
}
