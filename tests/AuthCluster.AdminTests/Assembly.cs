// These tests need Linux: they use signals, file modes and /usr/bin/python3.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// Some tests measure time or processor time: on two cores two tests at once would disturb one another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
