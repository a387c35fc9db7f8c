using Orleans.Services;

namespace AuthCluster.Contracts.Keys;

/// <summary>What the writer of the keys sends to each silo directly; everything else each silo reads from storage.</summary>
[GrainInterfaceType("key-follower"), Alias("authcluster.key-follower")]
public interface IKeyFollowerService : IGrainService
{
    /// <summary>Applies a raised floor. After the answer nothing on that silo uses an older one.</summary>
    /// <param name="raised">The floor, as stored.</param>
    [Alias("adopt-floor")]
    Task AdoptFloorAsync(long raised);
}
