using AuthCluster.ServerKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Session;

/// <summary>The one server of all test classes that do not harm it.</summary>
public sealed class SharedServer() : PreparedServer(new InProcessServer());
