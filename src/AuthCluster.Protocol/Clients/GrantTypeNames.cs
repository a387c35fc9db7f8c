namespace AuthCluster.Protocol.Clients;

/// <summary>Wire names of the grants that the server knows.</summary>
public static class GrantTypeNames
{
    /// <summary>RFC 6749 section 4.4.</summary>
    public const string ClientCredentials = "client_credentials";
}
