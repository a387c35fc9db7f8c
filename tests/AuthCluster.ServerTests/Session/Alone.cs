namespace AuthCluster.ServerTests.Session;

/// <summary>
/// The test classes that run when no other does: they hash slowly within a deadline, or read metrics, which are the process's and which the
/// end of another server in it takes away.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "alone";
}
