using AuthCluster.TestKit;

[assembly: AssemblyFixture(typeof(SharedPostgres))]
[assembly: AssemblyFixture(typeof(MachineTurn))]
