using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;

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
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteBoolean("active"u8, true);
            if (Scope.Length > 0)
            {
                json.WriteString("scope"u8, Scope);
            }

            json.WriteString("client_id"u8, ClientId);
            json.WriteString("token_type"u8, "Bearer"u8);
            json.WriteNumber("exp"u8, ExpiresAt);
            json.WriteNumber("iat"u8, IssuedAt);
            json.WriteString("sub"u8, ClientId);
            WriteAudiences(json);
            json.WriteString("iss"u8, Issuer);
            json.WriteString("jti"u8, TokenId);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private void WriteAudiences(Utf8JsonWriter json)
    {
        if (Audiences.Length == 1)
        {
            json.WriteString("aud"u8, Audiences[0]);
            return;
        }

        json.WriteStartArray("aud"u8);
        foreach (var audience in Audiences)
        {
            json.WriteStringValue(audience);
        }

        json.WriteEndArray();
    }
}
