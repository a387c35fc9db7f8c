using AuthCluster.GrainTests.Fencing;
using AuthCluster.TestKit;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace AuthCluster.GrainTests.Fencing;

/// <summary>One PostgreSQL server for the tests that need the table of silos itself, started by the first of them.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private static readonly Lazy<Task<PostgresServer>> Started = new(() => PostgresServer.StartAsync(fsync: false, CancellationToken.None));

    /// <summary>The running server; the test is skipped where no server can run.</summary>
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
