// Signals, file modes, /usr/bin/python3: these tests are for Linux.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// Each test talks to real processes, which mostly wait for one another: two at a time. What measures time or memory is in the collection
// "alone", which runs after all others.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 2)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
