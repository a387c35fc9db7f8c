namespace AuthCluster.ServerTests.Session;

/// <summary>
/// The test classes that run when no other does: they compute slow hashes within a deadline, or read metrics, which belong to the
/// process and vanish when another server in it ends.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "alone";
}
