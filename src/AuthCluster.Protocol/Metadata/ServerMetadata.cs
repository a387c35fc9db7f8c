using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AuthCluster.Protocol.Metadata;

/// <summary>
/// The metadata document (RFC 8414 section 2). It lists what works, and nothing else: <c>grant_types_supported</c> is there
/// because its default would be wrong; <c>response_types_supported</c> is left out, as without an authorization endpoint it
/// would be empty, and section 3.2 leaves empty lists out.
/// </summary>
public sealed record ServerMetadata
{
    /// <summary>Path of the token endpoint below the issuer.</summary>
    public const string TokenPath = "/oauth/token";

    /// <summary>Path of the introspection endpoint below the issuer.</summary>
    public const string IntrospectionPath = "/oauth/introspect";

    /// <summary>Path of the revocation endpoint below the issuer.</summary>
    public const string RevocationPath = "/oauth/revoke";

    /// <summary>Path of the feed of revocations below the issuer.</summary>
    public const string RevocationFeedPath = "/oauth/revocations";

    /// <summary>Path of the key set below the issuer.</summary>
    public const string JwksPath = "/.well-known/jwks.json";

    /// <summary>The issuer.</summary>
    public required IssuerUri Issuer { get; init; }

    /// <summary>Whether introspection is on (RFC 7662).</summary>
    public bool HasIntrospection { get; init; }

    /// <summary>Whether revocation is on (RFC 7009).</summary>
    public bool HasRevocation { get; init; }

    /// <summary>The document as compact JSON, UTF-8.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("issuer"u8, Issuer.Value);
            json.WriteString("token_endpoint"u8, Issuer.UrlOf(TokenPath));
            WriteAuthMethods(json, "token_endpoint_auth_methods_supported"u8);
            json.WriteString("jwks_uri"u8, Issuer.UrlOf(JwksPath));
            json.WriteStartArray("grant_types_supported"u8);
            json.WriteStringValue(Tokens.GrantTypeNames.ClientCredentials);
            json.WriteEndArray();
            if (HasIntrospection)
            {
                json.WriteString("introspection_endpoint"u8, Issuer.UrlOf(IntrospectionPath));
                WriteAuthMethods(json, "introspection_endpoint_auth_methods_supported"u8);
            }

            if (HasRevocation)
            {
                json.WriteString("revocation_endpoint"u8, Issuer.UrlOf(RevocationPath));
                WriteAuthMethods(json, "revocation_endpoint_auth_methods_supported"u8);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteAuthMethods(Utf8JsonWriter json, ReadOnlySpan<byte> member)
    {
        json.WriteStartArray(member);
        json.WriteStringValue(Clients.ClientAuthMethodNames.ClientSecretBasic);
        json.WriteStringValue(Clients.ClientAuthMethodNames.ClientSecretPost);
        json.WriteEndArray();
    }
}
