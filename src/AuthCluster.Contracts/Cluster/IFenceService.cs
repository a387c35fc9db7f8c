using Orleans.Services;

namespace AuthCluster.Contracts.Cluster;

/// <summary>What silos ask each other so that an answered write holds on each of them.</summary>
[GrainInterfaceType("fence"), Alias("authcluster.fence")]
public interface IFenceService : IGrainService
{
    /// <summary>Makes the silo use nothing older than a version. After the answer nothing on it does, but for leases that it has granted.</summary>
    /// <param name="key">What the version is of: a client's grain key, or the keys.</param>
    /// <param name="version">The version of the stored row.</param>
    [Alias("void")]
    Task<VoidAnswer> VoidAsync(string key, long version);

    /// <summary>Makes another silo do so, for one that can't reach it.</summary>
    /// <param name="silo">The other silo.</param>
    /// <param name="key">What the version is of.</param>
    /// <param name="version">The version of the stored row.</param>
    /// <returns>The other silo's answer; null when this one can't reach it either.</returns>
    [Alias("pass-void-on")]
    Task<VoidAnswer?> PassVoidOnAsync(string silo, string key, long version);

    /// <summary>Asks whether the silo may decide and knows the asking one as alive, when that one can't read the membership.</summary>
    /// <param name="asker">The asking silo.</param>
    [Alias("ping")]
    Task<bool> PingAsync(string asker);

    /// <summary>Asks whether the silo may decide by what it has just read: it reaches the database.</summary>
    [Alias("reads")]
    Task<bool> ReadsAsync();
}

/// <summary>The answer of a silo that has voided older versions.</summary>
/// <param name="LeaseLeft">How long leases of an older version may last yet; zero for none.</param>
[GenerateSerializer, Immutable, Alias("authcluster.void-answer.v1")]
public sealed record VoidAnswer([property: Id(0)] TimeSpan LeaseLeft);
