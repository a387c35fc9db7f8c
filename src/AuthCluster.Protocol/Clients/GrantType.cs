namespace AuthCluster.Protocol.Clients;

/// <summary>The grants that the server knows.</summary>
public enum GrantType
{
    /// <summary><c>client_credentials</c> (RFC 6749 section 4.4).</summary>
    ClientCredentials,
}

/// <summary>Wire names of <see cref="GrantType"/>.</summary>
public static class GrantTypeNames
{
    /// <summary>RFC 6749 section 4.4.2.</summary>
    public const string ClientCredentials = "client_credentials";
}
