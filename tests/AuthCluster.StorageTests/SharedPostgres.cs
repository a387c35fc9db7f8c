using AuthCluster.StorageTests;
using AuthCluster.TestKit;

[assembly: AssemblyFixture(typeof(SharedPostgres))]
[assembly: AssemblyFixture(typeof(MachineTurn))]

namespace AuthCluster.StorageTests;

/// <summary>One PostgreSQL server for all tests of this assembly, started by the first that needs it.</summary>
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
