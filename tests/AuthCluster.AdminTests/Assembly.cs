// Signals, file modes, /usr/bin/python3: these tests are for Linux.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// Each test talks to real processes and some measure time or memory: on two cores they would disturb one another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
