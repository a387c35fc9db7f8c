namespace AuthCluster.ServerTests.Session;

/// <summary>The test classes that mostly wait for the clock of the system. They run beside the others.</summary>
[CollectionDefinition(Name)]
public sealed class Waiting
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "waiting";
}
