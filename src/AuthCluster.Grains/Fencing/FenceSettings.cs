namespace AuthCluster.Grains.Fencing;

/// <summary>How the silos of a cluster keep each other to answered writes.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="OutageGrace">How long a silo that can't read the database goes on deciding: 0 to 24 hours.</param>
/// <param name="IsShared">
/// Whether other processes may be silos of the cluster. Else the silos of this process are all, and none of them can be cut off from the others.
/// </param>
public sealed record FenceSettings(string ClusterId, TimeSpan OutageGrace, bool IsShared);
