using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
// One shared server answers most tests, and some of them read its log or hold its connections open.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(MachineTurn))]
[assembly: AssemblyFixture(typeof(SharedServer))]
