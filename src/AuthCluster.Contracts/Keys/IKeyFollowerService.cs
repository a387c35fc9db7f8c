using Orleans.Services;

namespace AuthCluster.Contracts.Keys;

/// <summary>What the writer of the keys tells each silo itself, beside what every silo reads from storage.</summary>
[GrainInterfaceType("key-follower"), Alias("authcluster.key-follower")]
public interface IKeyFollowerService : IGrainService
{
    /// <summary>Takes over a raised floor. Once answered, nothing on that silo counts by an older one.</summary>
    /// <param name="raised">The floor, as stored.</param>
    [Alias("adopt-floor")]
    Task AdoptFloorAsync(long raised);
}
