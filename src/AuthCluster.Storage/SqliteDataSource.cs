using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage;

/// <summary>Opens connections to one SQLite file with the settings that make an acknowledged write durable.</summary>
/// <remarks>
/// The write-ahead log lets readers go on during a write; <c>synchronous=FULL</c> syncs it at each commit, so that an acknowledged write is on
/// disk. Both belong to the native connection, which the pool keeps, so they are set once for each. The token that opens a connection also
/// interrupts its statements, as long as it is open.
/// </remarks>
internal sealed class SqliteDataSource(string connectionString) : DbDataSource
{
    private const string Settings = """
        pragma journal_mode = wal;
        pragma synchronous = full;
        pragma busy_timeout = 3000;
        pragma cache_size = -16384;
        """;

    private readonly ConditionalWeakTable<object, object> _prepared = [];

    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection() => Open(CancellationToken.None);

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<DbConnection>(Open(cancellationToken));
    }

    private InterruptibleConnection Open(CancellationToken cancellationToken)
    {
        var connection = new InterruptibleConnection(connectionString);
        try
        {
            connection.Open();
            Prepare(connection);
            connection.InterruptOn(cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Prepare(SqliteConnection connection)
    {
        if (connection.Handle is not { } handle || _prepared.TryGetValue(handle, out _))
        {
            return;
        }

        using var command = connection.CreateCommand();
        command.CommandText = Settings;
        command.ExecuteNonQuery();
        _prepared.AddOrUpdate(handle, handle);
    }
}
