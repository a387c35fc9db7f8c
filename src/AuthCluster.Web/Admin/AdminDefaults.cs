namespace AuthCluster.Web.Admin;

/// <summary>What a client gets where its document is silent, as far as documents are checked against it.</summary>
/// <param name="TokenLifetimeSeconds">Seconds from issue to expiry.</param>
public sealed record AdminDefaults(int TokenLifetimeSeconds);
