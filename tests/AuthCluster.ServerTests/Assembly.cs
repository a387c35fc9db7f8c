using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(MachineTurn))]
[assembly: AssemblyFixture(typeof(SharedServer))]
