namespace AuthCluster.Web.Admin;

/// <summary>The defaults for members that a client document leaves out, as far as documents are checked against them.</summary>
/// <param name="TokenLifetimeSeconds">Seconds from issue to expiry.</param>
public sealed record AdminDefaults(int TokenLifetimeSeconds);
