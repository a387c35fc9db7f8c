using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage;

/// <summary>The database may lose writes that it has acknowledged. The message is a sentence for the operator.</summary>
/// <param name="message">The sentence.</param>
/// <param name="innerException">The cause, if another exception was.</param>
public sealed class DurabilityException(string message, Exception? innerException = null)
    : Exception(message, innerException);

/// <summary>
/// Refuses a database whose settings would break the promise that an acknowledged write is on disk, or that can't be written at all.
/// Asked once, at start.
/// </summary>
public static class DurabilityCheck
{
    private const string SqlServerUpdateability = "select cast(databasepropertyex(db_name(), 'Updateability') as nvarchar(60))";

    private const string SqlServerDurability = "select delayed_durability_desc from sys.databases where database_id = db_id()";

    /// <summary>With a parameter, as the stores' statements have: a trace flag suppresses the counts of those only.</summary>
    private const string SqlServerCountedInsert = "declare @rows table (number int); insert into @rows (number) values (@Number)";

    /// <summary>SQLITE_READONLY.</summary>
    private const int SqliteReadOnly = 8;

    /// <summary>Asks the database for its settings.</summary>
    /// <exception cref="DurabilityException">It is read-only, or commits before its log is on disk.</exception>
    /// <exception cref="StorageUnavailableException">It can't be reached.</exception>
    public static async Task RunAsync(Database database, CancellationToken cancellationToken = default)
    {
        await using var connection = await OpenAsync(database, cancellationToken);
        switch (database.Provider)
        {
            case StorageProvider.Sqlite:
                await CheckSqliteAsync(database, connection, cancellationToken);
                break;
            case StorageProvider.PostgreSql:
                await CheckPostgreSqlAsync(connection, cancellationToken);
                break;
            default:
                await CheckSqlServerAsync(connection, cancellationToken);
                break;
        }
    }

    private static async Task<DbConnection> OpenAsync(Database database, CancellationToken cancellationToken)
    {
        try
        {
            return await database.OpenAsync(cancellationToken);
        }
        catch (StorageUnavailableException e) when (e.InnerException is SqliteException { SqliteErrorCode: SqliteReadOnly })
        {
            throw ReadOnlyFile(database, e);
        }
    }

    private static DurabilityException ReadOnlyFile(Database database, Exception cause) =>
        new($"The SQLite database {database.SqliteFile} can't be written: the file, its folder or the connection string is read-only.", cause);

    private static async Task CheckSqliteAsync(Database database, DbConnection connection, CancellationToken cancellationToken)
    {
        using var turn = await database.EnterWriteAsync(cancellationToken);
        try
        {
            // On a read-only connection SQLite begins a transaction, and fails only at its first write. Disposing rolls it back.
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await Database.ExecuteAsync(connection, transaction, "create table durability_check (id integer)", null, cancellationToken);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteReadOnly)
        {
            throw ReadOnlyFile(database, e);
        }

        var journal = await Database.ScalarAsync<string>(connection, null, "pragma journal_mode", null, cancellationToken);
        if (journal != "wal")
        {
            throw new DurabilityException(
                $"The SQLite database {database.SqliteFile} can't have a write-ahead log, as on some network drives; put it on a local disk.");
        }
    }

    private static async Task CheckPostgreSqlAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var isReadOnly = await Database.ScalarAsync<string>(connection, null, "show transaction_read_only", null, cancellationToken);
        if (isReadOnly == "on")
        {
            throw new DurabilityException(
                "The PostgreSQL database is read-only (a standby, or default_transaction_read_only is on); the connection string must name the primary.");
        }

        var commit = await Database.ScalarAsync<string>(connection, null, "show synchronous_commit", null, cancellationToken);
        if (commit == "off")
        {
            throw new DurabilityException(
                "PostgreSQL's synchronous_commit is off for this database or user: a crash would lose what was acknowledged. Set it to on.");
        }
    }

    private static async Task CheckSqlServerAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        if (await Database.ScalarAsync<string>(connection, null, SqlServerUpdateability, null, cancellationToken) == "READ_ONLY")
        {
            throw new DurabilityException(
                "The SQL Server database is read-only (a secondary replica, or set so); the connection string must name the primary.");
        }

        if (await Database.ScalarAsync<string>(connection, null, SqlServerDurability, null, cancellationToken) == "FORCED")
        {
            throw new DurabilityException(
                "SQL Server's delayed durability is forced for this database: a crash would lose what was acknowledged. Set it to disabled or allowed.");
        }

        // By the count a store knows whether its write took place or another came first.
        if (await Database.ExecuteAsync(connection, null, SqlServerCountedInsert, new { Number = 1 }, cancellationToken) != 1)
        {
            throw new DurabilityException(
                "SQL Server does not tell how many rows a statement touched, even with NOCOUNT off (trace flag 3640 does that): a lost write would go unnoticed. Turn that off.");
        }
    }
}
