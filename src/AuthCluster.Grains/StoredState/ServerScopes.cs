namespace AuthCluster.Grains.StoredState;

/// <summary>The scopes that give rights on this server itself.</summary>
internal static class ServerScopes
{
    public const string Admin = "authcluster:admin";
}
