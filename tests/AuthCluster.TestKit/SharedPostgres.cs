namespace AuthCluster.TestKit;

/// <summary>One PostgreSQL server for the tests of an assembly that leave it alone, started by the first that needs it. An assembly fixture.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private static readonly Lock Starting = new();
    private static Task<PostgresServer>? _started;

    /// <summary>The running server; the test is skipped where no server can run.</summary>
    /// <param name="fsync">Whether it syncs to disk as a real one does: what the first test says. Tests that measure want it.</param>
    public static Task<PostgresServer> ServerAsync(bool fsync = false)
    {
        PostgresServer.Need();
        lock (Starting)
        {
            return _started ??= PostgresServer.StartAsync(fsync, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_started is not null)
        {
            await (await _started).DisposeAsync();
        }
    }
}
