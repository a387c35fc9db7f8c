// Some tests measure time.
[assembly: AssemblyFixture(typeof(AuthCluster.TestKit.MachineTurn))]
