using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthCluster.Protocol.Introspection;

/// <summary>The answer about an active token (RFC 7662 section 2.2).</summary>
public sealed record IntrospectionResponse
{
    /// <summary>
    /// The answer about any other token: unknown, ended, revoked, garbled, or one that the caller has no right to see. It
    /// says nothing more, so that it can't be told which (section 2.2).
    /// </summary>
    public static ReadOnlyMemory<byte> Inactive { get; } = """{"active":false}"""u8.ToArray();

    /// <summary>The issuer: <c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary>Whose token it is: <c>client_id</c> and <c>sub</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>Its scopes, separated by one space; empty for no <c>scope</c>.</summary>
    public required string Scope { get; init; }

    /// <summary>Whom it is for: <c>aud</c>, a string when it is one, as in the token.</summary>
    public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>Unix seconds: <c>iat</c>.</summary>
    public required long IssuedAt { get; init; }

    /// <summary>Unix seconds: <c>exp</c>.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>Its id: <c>jti</c>.</summary>
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
