using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthCluster.Protocol.Introspection;

/// <summary>The answer about an active token (RFC 7662 section 2.2).</summary>
public sealed record IntrospectionResponse
{
    /// <summary>
    /// The answer about any other token: unknown, expired, revoked, malformed, or not for the caller to see. The answer
    /// says nothing more, so that the caller can't tell these cases apart (section 2.2).
    /// </summary>
    public static ReadOnlyMemory<byte> Inactive { get; } = """{"active":false}"""u8.ToArray();

    /// <summary>The issuer: <c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary>The client that the token was issued to: <c>client_id</c> and <c>sub</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>The token's scopes, separated by one space; empty for no <c>scope</c>.</summary>
    public required string Scope { get; init; }

    /// <summary>The token's audiences: <c>aud</c>, a string when there is one audience, as in the token.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>Unix seconds: <c>iat</c>.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>Unix seconds: <c>exp</c>.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>The token's id: <c>jti</c>.</summary>
    public required string TokenId { get; init; }

    /// <summary>The answer as compact JSON, UTF-8.</summary>
    public ReadOnlyMemory<byte> ToJson()
    {
        var document = new IntrospectionDocument(
            Active: true,
            Scope.Length > 0 ? Scope : null,
            ClientId,
            TokenType: "Bearer",
            ExpiresAt,
            IssuedAt,
            Sub: ClientId,
            Audiences,
            Issuer,
            TokenId);
        return JsonSerializer.SerializeToUtf8Bytes(document, ProtocolJson.Default.IntrospectionDocument);
    }
}

/// <summary>The members of the answer (RFC 7662 section 2.2) in their order.</summary>
internal sealed record IntrospectionDocument(
    bool Active,
    string? Scope,
    string ClientId,
    string TokenType,
    long Exp,
    long Iat,
    string Sub,
    [property: JsonConverter(typeof(OneOrManyConverter))] ImmutableArray<string> Aud,
    string Iss,
    string Jti);
