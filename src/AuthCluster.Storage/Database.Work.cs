using System.Data;
using System.Data.Common;
using AuthCluster.Storage.Sqlite;
using Dapper;
using Microsoft.Data.SqlClient;

namespace AuthCluster.Storage;

/// <summary>How the stores read and write: every connection and transaction goes through here, and every failure.</summary>
/// <remarks>
/// Work that conflicts with another transaction is tried again. Every exception leaves in a form that <see cref="StorageFaults"/> can sort. A
/// transaction that fails before its commit has begun has written nothing, however its connection ended.
/// </remarks>
public sealed partial class Database
{
    private const int MaxTries = 3;

    /// <summary>
    /// Lets PostgreSQL end the session of an idle transaction, so that a process that hangs does not keep its locks: in ms, half of
    /// <see cref="CommandTimeout"/>, for which others wait. It costs a round trip. Orleans' writes need it not: each is one statement, which holds
    /// no lock once it is done. SQL Server has no such setting.
    /// </summary>
    private const string EndWhereIdle = "set local idle_in_transaction_session_timeout = 1500";

    /// <summary>Runs work; at a conflict with another transaction again, three times in all.</summary>
    /// <param name="work">A read, or a write that may be made twice.</param>
    public static async Task RepeatConflictsAsync(Func<Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await RepeatConflictsAsync(async () =>
        {
            await work();
            return true;
        });
    }

    /// <summary>Reads on one connection, outside any transaction; again at a conflict with another transaction.</summary>
    internal Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> read, CancellationToken cancellationToken) =>
        RepeatConflictsAsync(async () => await UseAsync(
            await OpenAsync(cancellationToken),
            connection => SortAsync(connection, () => read(connection), isCommitting: () => false)));

    /// <summary>Reads rows outside any transaction.</summary>
    internal Task<List<T>> ReadAsync<T>(
        string sql, object? parameters, Func<DbDataReader, T> row, CancellationToken cancellationToken, TimeSpan? timeout = null) =>
        ReadAsync(connection => ReadAsync(connection, null, sql, parameters, row, cancellationToken, timeout), cancellationToken);

    /// <summary>Reads rows within a transaction.</summary>
    internal static async Task<List<T>> ReadAsync<T>(
        DbConnection connection,
        DbTransaction? transaction,
        string sql,
        object? parameters,
        Func<DbDataReader, T> row,
        CancellationToken cancellationToken,
        TimeSpan? timeout = null)
    {
        var rows = new List<T>();
        var seconds = timeout is { } given ? (int)given.TotalSeconds : (int?)null;
        var command = new CommandDefinition(sql, parameters, transaction, seconds, cancellationToken: cancellationToken);
        await using var reader = await connection.ExecuteReaderAsync(command);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(row(reader));
        }

        // A driver may tell only here of a failure after the rows, as that of a commit.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return rows;
    }

    /// <summary>
    /// Reads rows outside any transaction, in the caller's thread and without one of the pool. For the fence only: see <see cref="Cluster.FenceStore"/>.
    /// </summary>
    internal static List<T> Read<T>(DbConnection connection, string sql, object? parameters, Func<DbDataReader, T> row, int timeoutSeconds)
    {
        // The work is synchronous, so its task is complete when it is returned: nothing waits here.
        return SortAsync(connection, () => Task.FromResult(Rows()), isCommitting: () => false).GetAwaiter().GetResult();

        List<T> Rows()
        {
            var rows = new List<T>();
            using var reader = (DbDataReader)connection.ExecuteReader(new CommandDefinition(sql, parameters, commandTimeout: timeoutSeconds));
            while (reader.Read())
            {
                rows.Add(row(reader));
            }

            return rows;
        }
    }

    /// <summary>
    /// Reads several tables as of one moment. SQL Server reads under READ COMMITTED: its driver's pool passes a connection on with its last
    /// isolation level, also to readers that must not hold locks; so the first read there names its lock.
    /// </summary>
    internal Task<T> ReadTogetherAsync<T>(Func<DbConnection, DbTransaction, Task<T>> read, CancellationToken cancellationToken) =>
#pragma warning disable CA1849 // SQLite's driver never waits on a network, and has no other way to begin without the write lock.
        RepeatConflictsAsync(() => InTransactionAsync(
            async connection => connection is SqliteLease sqlite
                ? sqlite.BeginDeferredTransaction()
                : await connection.BeginTransactionAsync(
                    Provider == StorageProvider.SqlServer ? IsolationLevel.ReadCommitted : IsolationLevel.RepeatableRead, cancellationToken),
            read,
            cancellationToken));
#pragma warning restore CA1849

    /// <summary>
    /// Writes in one transaction; again at a conflict with another transaction. The work must be idempotent, as every write of the stores is.
    /// </summary>
    internal async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        using var turn = await EnterWriteAsync(cancellationToken);
        return await RepeatConflictsAsync(() => InTransactionAsync(
            async connection => await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken),
            async (connection, transaction) =>
            {
                if (Provider == StorageProvider.PostgreSql)
                {
                    await ExecuteAsync(connection, transaction, EndWhereIdle, null, cancellationToken);
                }

                return await write(connection, transaction);
            },
            cancellationToken));
    }

    /// <summary>Writes with one statement.</summary>
    internal Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        WriteAsync((connection, transaction) => ExecuteAsync(connection, transaction, sql, parameters, cancellationToken), cancellationToken);

    /// <summary>
    /// Writes with one statement and no transaction around it, on a server database: where this process hangs, it leaves no lock behind. Answers how
    /// many rows the statement touched.
    /// </summary>
    internal Task<int> ExecuteAloneAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        AloneAsync(connection => ExecuteAsync(connection, null, sql, parameters, cancellationToken), cancellationToken);

    /// <summary>
    /// Writes by a text that <see cref="AtOnce"/> made, and reads the rows of its query. The database gets all of it at once: where this process hangs, it
    /// leaves no lock behind.
    /// </summary>
    internal Task<List<T>> WriteAtOnceAsync<T>(string sql, object? parameters, Func<DbDataReader, T> row, CancellationToken cancellationToken) =>
        Provider == StorageProvider.Sqlite
            ? WriteAsync((connection, transaction) => ReadAsync(connection, transaction, sql, parameters, row, cancellationToken), cancellationToken)
            : AloneAsync(connection => ReadAsync(connection, null, sql, parameters, row, cancellationToken), cancellationToken);

    /// <summary>Runs one statement and answers how many rows it touched.</summary>
    internal static Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction? transaction, string sql, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(Counted(connection, sql), parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>
    /// The text as one whose rows are counted. SQL Server counts none (the driver answers -1) where NOCOUNT is on, which a server may set by default.
    /// </summary>
    internal static string Counted(DbConnection connection, string sql) => connection is SqlConnection ? $"set nocount off;\n{sql}" : sql;

    /// <summary>Runs one statement within a transaction and answers the first column of its first row, or the default when there is none.</summary>
    internal static Task<T?> ScalarAsync<T>(
        DbConnection connection, DbTransaction? transaction, string sql, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<T>(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>Every transaction of the stores: begins it, works, and commits it or rolls it back.</summary>
    private async Task<T> InTransactionAsync<T>(
        Func<DbConnection, Task<DbTransaction>> begin, Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        var isCommitting = false;
        return await UseAsync(await OpenAsync(cancellationToken), connection => SortAsync(
            connection,
            async () => await UseAsync(await begin(connection), async transaction =>
            {
                var result = await work(connection, transaction);
                isCommitting = true;
                await transaction.CommitAsync(cancellationToken);
                return result;
            }),
            () => isCommitting));
    }

    /// <summary>Writes on a server database by work that commits itself.</summary>
    private Task<T> AloneAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken) =>
        RepeatConflictsAsync(async () => await UseAsync(
            await OpenAsync(cancellationToken),
            // Any failure may be one of the commit.
            connection => SortAsync(connection, () => work(connection), isCommitting: () => true)));

    private static async Task<T> RepeatConflictsAsync<T>(Func<Task<T>> work)
    {
        for (var tried = 1; ; tried++)
        {
            try
            {
                return await work();
            }
            catch (Exception e) when (tried < MaxTries && StorageFaults.Of(e) == StorageFault.Conflict)
            {
                // The transaction is rolled back, and the other one has ended.
            }
        }
    }

    /// <summary>
    /// Uses a connection or a transaction and disposes it. Exceptions of the disposal are dropped: when a session broke within a transaction they
    /// would hide why, and after a success they change nothing.
    /// </summary>
    private static async Task<TResult> UseAsync<T, TResult>(T resource, Func<T, Task<TResult>> use)
        where T : IAsyncDisposable
    {
        try
        {
            return await use(resource);
        }
        finally
        {
            try
            {
                await resource.DisposeAsync();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The pool drops a broken connection.
            }
        }
    }

    /// <summary>Runs work on an open connection, and makes its failure say whether the database answers and whether anything was written.</summary>
    private static async Task<T> SortAsync<T>(DbConnection connection, Func<Task<T>> work, Func<bool> isCommitting)
    {
        try
        {
            return await work();
        }
        catch (OperationCanceledException e) when (!isCommitting())
        {
            throw new CanceledBeforeWriteException("The operation was cancelled before its commit.", e);
        }
        catch (Exception e) when (StorageFaults.Of(e) is StorageFault.OutcomeUnknown && !isCommitting())
        {
            throw new StorageUnavailableException("The database did not answer.", e);
        }
        catch (Exception e) when (StorageFaults.Of(e) is StorageFault.None && connection.State != ConnectionState.Open)
        {
            // A driver whose connection is gone may throw anything, even a null reference.
            throw new StorageUnavailableException("The connection to the database broke.", e) { OutcomeUnknown = isCommitting() };
        }
    }
}
