using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

[assembly: AssemblyFixture(typeof(SharedPostgres))]
[assembly: AssemblyFixture(typeof(MachineTurn))]

// Each test starts several servers and measures time: two of them at once would measure each other.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace AuthCluster.ClusterTests.Session;

/// <summary>One PostgreSQL server for the tests that leave it alone, started by the first that needs it.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private static readonly Lazy<Task<PostgresServer>> Started = new(() => PostgresServer.StartAsync(fsync: true, CancellationToken.None));

    /// <summary>The running server; the test is skipped where there can be none.</summary>
    public static Task<PostgresServer> ServerAsync()
    {
        PostgresServer.Need();
        return Started.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (Started.IsValueCreated)
        {
            await (await Started.Value).DisposeAsync();
        }
    }
}
