namespace AuthCluster.Client.Clients;

/// <summary>The authorization server's metadata document (RFC 8414 §2), the members that a client needs.</summary>
internal sealed record ServerMetadata
{
    /// <summary>The issuer identifier.</summary>
    public string? Issuer { get; init; }

    /// <summary>Where tokens are asked for.</summary>
    public string? TokenEndpoint { get; init; }

    /// <summary>Where a token's state is asked for (RFC 7662).</summary>
    public string? IntrospectionEndpoint { get; init; }

    /// <summary>Where the document of an issuer is: between host and path (RFC 8414 §3.1).</summary>
    public static Uri AddressOf(string issuer)
    {
        var uri = new Uri(issuer);
        var path = uri.AbsolutePath.TrimEnd('/');
        return new Uri(uri.GetLeftPart(UriPartial.Authority) + "/.well-known/oauth-authorization-server" + path);
    }
}
