using System.Text.Json;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Metadata;

/// <summary>
/// The metadata document (RFC 8414 section 2). It lists only what works. It has <c>grant_types_supported</c> because the default of
/// that member would be wrong. <c>response_types_supported</c> is an empty list, because there is no authorization endpoint. Section 2
/// requires that member, and more readers check for it than follow section 3.2, which leaves empty lists out.
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

    /// <summary>The document as compact JSON, UTF-8.</summary>
    public byte[] ToJson() => ToJson(null);

    /// <summary>
    /// The document for readers of OpenID Connect Discovery 1.0 section 3. They take a key's algorithm from the list of algorithms that
    /// sign ID tokens, and refuse a document without the subject types. This server never issues an ID token.
    /// </summary>
    /// <param name="algorithms">The algorithms (RFC 7518) of the published keys.</param>
    public byte[] ToOpenIdJson(IEnumerable<string> algorithms) => ToJson([.. algorithms]);

    private byte[] ToJson(string[]? algorithms)
    {
        string[] authMethods = [ClientAuthMethodNames.ClientSecretBasic, ClientAuthMethodNames.ClientSecretPost];
        var document = new ServerMetadataDocument(
            Issuer.Value,
            Issuer.UrlOf(TokenPath),
            authMethods,
            Issuer.UrlOf(JwksPath),
            [],
            [GrantTypeNames.ClientCredentials],
            Issuer.UrlOf(IntrospectionPath),
            authMethods,
            Issuer.UrlOf(RevocationPath),
            authMethods,
            algorithms,
            algorithms is null ? null : ["public"]);
        return JsonSerializer.SerializeToUtf8Bytes(document, ProtocolJson.Default.ServerMetadataDocument);
    }
}

/// <summary>The members of the document (RFC 8414 section 2) in their order.</summary>
internal sealed record ServerMetadataDocument(
    string Issuer,
    string TokenEndpoint,
    string[] TokenEndpointAuthMethodsSupported,
    string JwksUri,
    string[] ResponseTypesSupported,
    string[] GrantTypesSupported,
    string IntrospectionEndpoint,
    string[] IntrospectionEndpointAuthMethodsSupported,
    string RevocationEndpoint,
    string[] RevocationEndpointAuthMethodsSupported,
    string[]? IdTokenSigningAlgValuesSupported,
    string[]? SubjectTypesSupported);
