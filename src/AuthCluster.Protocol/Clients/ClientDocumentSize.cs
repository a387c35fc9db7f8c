using System.Text;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// Checks that all that a client may have fits into one token and into one request. Each member of a document has its own bounds, but
/// a client with all members at their bounds would get a token of 80 KB, which no endpoint takes, and scopes that no request could name.
/// </summary>
internal static class ClientDocumentSize
{
    /// <summary>
    /// Most bytes of claims in a token with all scopes, all audiences and all configured claims, as compact JSON. With the issuer and a
    /// default audience of 512 bytes each, the header, the signature and base64, such a token has at most 24,576 characters. So it
    /// fits into a form of 32,768 bytes together with the caller's credentials, and into 32,768 bytes of headers with the other headers.
    /// </summary>
    public const int MaxTokenClaimsBytes = 16_384;

    /// <summary>
    /// Most bytes of all scopes and audiences in a token request, form-encoded. The body may have 16,384 bytes; the other 2,048 are for
    /// the rest. An id of 200 characters and a secret of 256 characters, all of them percent-encoded, take 1,368 of these.
    /// </summary>
    public const int MaxNamedBytes = 14_336;

    private static readonly string AnyTokenId = new('x', 22);

    /// <summary>What is too large, as a sentence; null when everything fits.</summary>
    public static string? ProblemOf(ClientDocument document) =>
        TokenClaimsBytes(document) > MaxTokenClaimsBytes
            ? "Gives too large a token: all scopes, all audiences and the claims together may have at most 16,384 bytes in a token. Register fewer or shorter ones, or divide them among several clients."
        : NamedBytes(document) > MaxNamedBytes
            ? "Has more scopes and audiences than one token request can name: percent-encoded they may have at most 14,336 bytes together. Register fewer or shorter ones, or divide them among several clients."
            : null;

    private static int TokenClaimsBytes(ClientDocument document) => Encoding.UTF8.GetByteCount(new AccessTokenPayload
    {
        Issuer = "",
        ClientId = document.ClientId.Value,
        Audiences = document.Audiences,
        Scope = string.Join(' ', document.Scopes),
        IssuedAt = int.MaxValue,
        ExpiresAt = int.MaxValue,
        TokenId = AnyTokenId,
        Generation = long.MaxValue,
        ExtraClaims = document.ClaimsJson is { } claims ? Encoding.UTF8.GetBytes(claims) : default,
    }.ToJson());

    private static int NamedBytes(ClientDocument document) =>
        document.Scopes.Sum(scope => Uri.EscapeDataString(scope).Length + "%20".Length)
        + document.Audiences.Sum(audience => Uri.EscapeDataString(audience).Length + "&audience=".Length);
}
