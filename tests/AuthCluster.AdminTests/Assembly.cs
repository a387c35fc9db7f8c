// These tests need Linux: they use signals, file modes and /usr/bin/python3.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// Each test talks to real processes and some measure time or memory: on two cores they would disturb one another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
