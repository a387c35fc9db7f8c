// One cluster and one clock serve most tests, and the machine may be small.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.SharedPostgres))]
