namespace AuthCluster.EndToEndTests.Session;

/// <summary>The test classes that run when no other does, because they measure time or memory, or count what a full pipe drops.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "alone";
}
