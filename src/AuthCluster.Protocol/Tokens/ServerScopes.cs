namespace AuthCluster.Protocol.Tokens;

/// <summary>The scopes that give rights on this server itself. A token with one of them is for the issuer alone.</summary>
public static class ServerScopes
{
    /// <summary>The whole admin API.</summary>
    public const string Admin = "authcluster:admin";

    /// <summary>The admin API's GET requests.</summary>
    public const string Read = "authcluster:read";

    /// <summary>Introspection of every token.</summary>
    public const string Introspect = "authcluster:introspect";

    /// <summary>The prefix of these scopes; no other scope may have it.</summary>
    private const string Prefix = "authcluster:";

    /// <summary>Whether a scope has the prefix that is reserved for this server's own.</summary>
    public static bool IsReserved(string scope) => scope.StartsWith(Prefix, StringComparison.Ordinal);
}
