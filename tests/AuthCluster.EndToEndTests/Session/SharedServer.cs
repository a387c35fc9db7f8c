using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Session;

/// <summary>The one server of all test classes that do not harm it.</summary>
public sealed class SharedServer() : PreparedServer(new ServerProcess());

/// <summary>The test classes that use the one server of <see cref="SharedServer"/>.</summary>
[CollectionDefinition(Name)]
public sealed class OnSharedServer : ICollectionFixture<SharedServer>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "on the shared server";
}
