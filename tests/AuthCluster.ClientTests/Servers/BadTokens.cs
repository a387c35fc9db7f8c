using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.ClientTests.Servers;

/// <summary>Tokens that an API must refuse, each for one reason.</summary>
internal static class BadTokens
{
    /// <summary>The reasons.</summary>
    public static readonly IReadOnlyList<string> Kinds =
    [
        "type JWT", "no type", "other issuer", "issuer with a slash", "other audience", "audience with a slash", "no audience", "expired", "no expiry", "not yet valid", "other key, same kid",
        "no kid", "unknown kid", "alg none", "HS256 with the public key", "ES384", "payload changed", "signature cut", "not a JWT", "unknown crit",
    ];

    /// <summary>A token of one kind.</summary>
    public static string Mint(FakeIssuer issuer, TimeProvider clock, string kind) => kind switch
    {
        "type JWT" => issuer.Mint(token => token.TokenType = "JWT"),
        "no type" => Forge(issuer, header => header.Replace(",\"typ\":\"at+jwt\"", "", StringComparison.Ordinal)),
        "other issuer" => issuer.Mint(token => token.Issuer = "https://evil.example"),
        "issuer with a slash" => issuer.Mint(token => token.Issuer += "/"),
        "other audience" => issuer.Mint(token => token.Audience = "https://other.example"),
        "audience with a slash" => issuer.Mint(token => token.Audience = ProtectedApi.Audience + "/"),
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
