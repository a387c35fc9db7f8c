using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
// One shared server answers most tests, and some of them read its log or hold its connections open. So they run one after another, all in
// one collection; only those that wait run beside them.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 2)]
[assembly: AssemblyFixture(typeof(MachineTurn))]
[assembly: AssemblyFixture(typeof(SharedServer))]
