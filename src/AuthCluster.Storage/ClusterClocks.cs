namespace AuthCluster.Storage;

/// <summary>What may be expected of the clocks of a cluster: of its silos, its front ends and its database.</summary>
public static class ClusterClocks
{
    /// <summary>The clocks of a healthy cluster differ by less; a time that is further ahead came from a wrong clock.</summary>
    public static readonly TimeSpan MaxDifference = TimeSpan.FromMinutes(1);
}
