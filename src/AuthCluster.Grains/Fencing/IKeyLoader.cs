namespace AuthCluster.Grains.Fencing;

/// <summary>Loads the keys and the floor of this silo anew. The fence calls it; what keys are is not the fence's business.</summary>
internal interface IKeyLoader
{
    /// <summary>Loads if storage holds newer keys, or those of this silo must not be used.</summary>
    /// <param name="version">The version of the keys in storage.</param>
    /// <param name="storedFloor">The floor in storage.</param>
    Task FollowAsync(long version, long storedFloor);

    /// <summary>Loads because the keys in memory were made void. The next reading of the membership tries again if it fails.</summary>
    void LoadSoon();
}
