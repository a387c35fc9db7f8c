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
}
