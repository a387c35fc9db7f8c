// These tests need Linux: they use signals, file modes and /usr/bin/python3.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// Each test talks to real processes, which mostly wait for one another, so two tests run at a time. Tests that measure time or
// memory are in the collection "alone", which runs after all others.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 2)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
