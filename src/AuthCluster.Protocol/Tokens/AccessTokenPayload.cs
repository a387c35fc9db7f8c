using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;

namespace AuthCluster.Protocol.Tokens;

/// <summary>The claims of an access token (RFC 9068 section 2.2), and how they are written.</summary>
public sealed record AccessTokenPayload
{
    /// <summary>The <c>typ</c> of the token's header (RFC 9068 section 2.1).</summary>
    public const string HeaderType = "at+jwt";

    /// <summary>
    /// Claims that a client can't configure: the claims that the server sets, and the claims to which an RFC gives a meaning
    /// (RFC 7519 section 4.1.5, RFC 7800, RFC 8693 sections 4.1 and 4.4).
    /// </summary>
    public static readonly FrozenSet<string> ReservedClaims = FrozenSet.Create(
        StringComparer.Ordinal,
        ["iss", "sub", "client_id", "aud", "scope", "iat", "exp", "jti", "gen", "nbf", "cnf", "act", "may_act"]);

    /// <summary>The issuer: <c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary>The client's id: <c>sub</c> and <c>client_id</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>The audiences, at least one: <c>aud</c>, a string when there is one audience.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>The granted scopes, separated by one space; empty for no <c>scope</c> claim.</summary>
    public required string Scope { get; init; }

    /// <summary>Seconds since 1970 (NumericDate): <c>iat</c>.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>Seconds since 1970 (NumericDate): <c>exp</c>.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>The token's id: <c>jti</c>.</summary>
    public required string TokenId { get; init; }

    /// <summary>The client's token generation: <c>gen</c>.</summary>
    public required long Generation { get; init; }

    /// <summary>The client's own claims as a compact JSON object without reserved names, UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> ExtraClaims { get; init; }

    /// <summary>The claims as compact JSON: the server's claims (RFC 9068 section 2.2) in a fixed order, then the client's.</summary>
    public string ToJson()
    {
        var writer = new ArrayBufferWriter<byte>(512);
        var document = new AccessTokenDocument(
            Issuer,
            Sub: ClientId,
            ClientId,
            Audiences,
            Scope.Length > 0 ? Scope : null,
            IssuedAt,
            ExpiresAt,
            TokenId,
            Generation);
        ProtocolJson.Write(writer, document, ProtocolJson.Default.AccessTokenDocument);
        return ExtraClaims.Length > "{}".Length
            ? $"{Encoding.UTF8.GetString(writer.WrittenSpan[..^1])},{Encoding.UTF8.GetString(ExtraClaims.Span[1..])}"
            : Encoding.UTF8.GetString(writer.WrittenSpan);
    }

    /// <summary>Prints only the ids: a payload is not secret, but does not belong in a log either.</summary>
    public override string ToString() => $"AccessTokenPayload({ClientId}, {TokenId})";
}

/// <summary>The claims that the server sets, in their order.</summary>
internal sealed record AccessTokenDocument(
    string Iss,
    string Sub,
    string ClientId,
    [property: JsonConverter(typeof(OneOrManyConverter))] ImmutableArray<string> Aud,
    string? Scope,
    long Iat,
    long Exp,
    string Jti,
    long Gen);
