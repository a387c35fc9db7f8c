using System.Collections.Immutable;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Keys;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Checks what can be known of an access token from the token and the keys alone (RFC 9068 section 4), for introspection, revocation and
/// the admin API, which ask the key ring first whether the keys may be used. Only its client's grain knows whether it was revoked: <see cref="IssuedTokens.CheckAsync"/>.
/// </summary>
public sealed class TokenValidator(KeyRing keys, IssuerUri issuer, TimeProvider clock)
{
    // Larger than any token: today's registrations make tokens of at most 24,576 characters, those of earlier versions of at most 81,000.
    private const int MaxTokenCharacters = 120_000;

    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = MaxTokenCharacters };

    /// <summary>Checks signature, key, algorithm, type, issuer and expiry.</summary>
    /// <param name="token">What the caller presents; any text.</param>
    /// <returns>The token's claims, or null when this server did not issue it or it has expired.</returns>
    /// <exception cref="InvalidOperationException">No key is held yet.</exception>
    public ValueTask<ValidatedToken?> ValidateAsync(string token) => ValidateAsync(token, IsInForce);

    /// <summary>
    /// Checks all but the expiry, for a token that is to be revoked: this machine's clock may be wrong, so the token may be valid elsewhere.
    /// </summary>
    /// <param name="token">What the caller presents; any text.</param>
    /// <returns>The token's claims, or null when this server did not issue it.</returns>
    /// <exception cref="InvalidOperationException">No key is held yet.</exception>
    public ValueTask<ValidatedToken?> ValidateAtAnyTimeAsync(string token) => ValidateAsync(token, static (_, expires, _, _) => expires is not null);

    private async ValueTask<ValidatedToken?> ValidateAsync(string token, LifetimeValidator lifetime)
    {
        var snapshot = keys.Current ?? throw new InvalidOperationException("No signing key is held.");
        var result = await Handler.ValidateTokenAsync(token, RulesOf(snapshot, lifetime));
        // A header "crit" names extensions that must be understood, and this server understands none (RFC 7515 section 4.1.11).
        return result is { IsValid: true, SecurityToken: JsonWebToken jwt } && !jwt.TryGetHeaderValue<object>("crit", out _) ? ReadClaims(jwt) : null;
    }

    private TokenValidationParameters RulesOf(KeySnapshot snapshot, LifetimeValidator lifetime) => new()
    {
        ValidIssuer = issuer.Value,
        ValidTypes = [AccessTokenPayload.HeaderType],
        // Any audience will do here: the caller of this method knows which one it needs.
        AudienceValidator = (audiences, _, _) => audiences.Any(),
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        TryAllIssuerSigningKeys = false,
        IssuerSigningKeyResolver = (_, _, kid, _) =>
            kid is not null && snapshot.Published.TryGetValue(kid, out var key) ? [key] : [],
        // A key checks signatures of its own algorithm alone, whatever the token's header says.
        AlgorithmValidator = (algorithm, key, _, _) =>
            snapshot.Source.Keys.Any(record => record.Kid == key.KeyId && record.Algorithm == algorithm),
        LifetimeValidator = lifetime,
    };

    /// <summary>This server wrote <c>exp</c>, so no clock skew is allowed for.</summary>
    private bool IsInForce(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters rules) =>
        expires is { } end && clock.GetUtcNow().UtcDateTime is var now && now < end && (notBefore is not { } start || start <= now);

    private static ValidatedToken? ReadClaims(JsonWebToken jwt) =>
        jwt.TryGetPayloadValue<string>("client_id", out var id) && ClientId.TryParse(id, out var clientId)
        && jwt.TryGetPayloadValue<long>("gen", out var generation)
        && jwt.TryGetPayloadValue<long>("iat", out var issuedAt)
        && jwt.TryGetPayloadValue<long>("exp", out var expiresAt)
        && jwt.Id is { Length: > 0 } jti
            ? new ValidatedToken
            {
                ClientId = clientId,
                Jti = jti,
                Generation = generation,
                IssuedAt = issuedAt,
                ExpiresAt = expiresAt,
                Audiences = [.. jwt.Audiences],
                Scope = jwt.TryGetPayloadValue<string>("scope", out var scope) ? scope : "",
            }
            : null;
}

/// <summary>The claims of a token that this server issued.</summary>
public sealed record ValidatedToken
{
    /// <summary>Whose token it is: <c>client_id</c> and <c>sub</c>.</summary>
    public required ClientId ClientId { get; init; }

    /// <summary>Its id.</summary>
    public required string Jti { get; init; }

    /// <summary>The client's token generation when it was issued: <c>gen</c>.</summary>
    public required long Generation { get; init; }

    /// <summary>Unix seconds: <c>iat</c>.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>Unix seconds: <c>exp</c>.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>The values of <c>aud</c>.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>Its scopes, separated by one space; empty for none.</summary>
    public required string Scope { get; init; }

    /// <summary>Whether a scope was granted.</summary>
    public bool HasScope(string scope) => Scope.Split(' ').Contains(scope, StringComparer.Ordinal);

    /// <summary>Prints the ids.</summary>
    public override string ToString() => $"ValidatedToken({ClientId}, {Jti})";
}
