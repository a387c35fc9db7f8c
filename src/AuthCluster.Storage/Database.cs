using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AuthCluster.Storage;

/// <summary>One database: how it is reached, for how long it is waited, and who may write.</summary>
/// <remarks>
/// All of the product's SQL goes through the stores of this project, which take a <see cref="Database"/>, except for what Orleans
/// itself reads and writes: it is given <see cref="DataSource"/> and <see cref="OrleansInvariant"/>.
/// Time-outs that the operator's connection string leaves open are set here, so that a database that hangs costs a caller
/// <see cref="CommandTimeout"/> and no more.
/// </remarks>
public sealed class Database : IAsyncDisposable
{
    /// <summary>How long one statement may take, where the connection string says nothing else.</summary>
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Heartbeats, readings of the table and votes: a few at a time.</summary>
    private const int MembershipConnections = 8;

    private const int MostTries = 3;

    /// <summary>
    /// Has PostgreSQL end the session of a transaction of the stores that stands still, so that a process that hangs keeps nobody from
    /// the locks that it took: in ms, half of <see cref="CommandTimeout"/>, for which the others wait. It costs a round trip. What Orleans writes is one
    /// statement each, which holds no lock once it is done. SQL Server knows no such thing.
    /// </summary>
    private const string EndWhereIdle = "set local idle_in_transaction_session_timeout = 1500";

    private readonly SemaphoreSlim? _writers;

    /// <summary>Describes a database; nothing is opened yet.</summary>
    /// <param name="provider">Which of the three it is.</param>
    /// <param name="connectionString">In the form of that database's driver. For SQLite: <c>Data Source=path</c>.</param>
    /// <exception cref="ArgumentException">The connection string can't be read, or names no file.</exception>
    public Database(StorageProvider provider, string connectionString)
    {
        Provider = provider;
        ConnectionString = Complete(provider, connectionString);
        DataSource = new ReachingDataSource(provider switch
        {
            StorageProvider.Sqlite => new SqliteDataSource(ConnectionString),
            StorageProvider.PostgreSql => NpgsqlDataSource.Create(ConnectionString),
            StorageProvider.SqlServer => SqlClientFactory.Instance.CreateDataSource(ConnectionString),
            _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "No such storage provider."),
        });
        if (provider == StorageProvider.Sqlite)
        {
            _writers = new SemaphoreSlim(1);
            SqliteFile = Path.GetFullPath(new SqliteConnectionStringBuilder(ConnectionString).DataSource);
        }
    }

    /// <summary>
    /// Describes the same database over a pool of its own, for what tells who lives: connections that hang elsewhere can't keep it
    /// from its own.
    /// </summary>
    /// <remarks>
    /// Each data source of PostgreSQL's driver has a pool. SQL Server's driver has one for each connection string, so this one differs
    /// by the size of the pool. SQLite has no membership.
    /// </remarks>
    /// <param name="provider">Which of the three it is.</param>
    /// <param name="connectionString">As for the other one.</param>
    /// <exception cref="ArgumentException">The connection string can't be read, or names no file.</exception>
    public static Database ForMembership(StorageProvider provider, string connectionString) =>
        new(provider, provider == StorageProvider.SqlServer ? WithPoolOfItsOwn(connectionString) : connectionString);

    /// <summary>Which of the three it is.</summary>
    public StorageProvider Provider { get; }

    /// <summary>Where connections come from, for Orleans' options. A failure to open is a <see cref="StorageUnavailableException"/>.</summary>
    public DbDataSource DataSource { get; }

    /// <summary>What Orleans' AdoNet providers call this database's driver.</summary>
    public string OrleansInvariant => Provider switch
    {
        // Orleans knows Microsoft.Data.Sqlite by this name only.
        StorageProvider.Sqlite => "System.Data.SQLite",
        StorageProvider.PostgreSql => "Npgsql",
        _ => "Microsoft.Data.SqlClient",
    };

    /// <summary>The full path of the SQLite file; null for the server databases.</summary>
    public string? SqliteFile { get; }

    /// <summary>The connection string with its time-outs. Holds the password: never logged.</summary>
    internal string ConnectionString { get; }

    /// <summary>Opens a connection; the caller disposes it.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellationToken = default) =>
        DataSource.OpenConnectionAsync(cancellationToken);

    /// <summary>
    /// Waits for the turn to write. SQLite has one writer at a time, and its own way of waiting blocks threads and starves
    /// some of them for seconds; so all writers of the process, Orleans' too, queue here. The server databases give it at once.
    /// </summary>
    public async ValueTask<WriteTurn> EnterWriteAsync(CancellationToken cancellationToken = default)
    {
        if (_writers is not null)
        {
            await _writers.WaitAsync(cancellationToken);
        }

        return new WriteTurn(_writers);
    }

    /// <summary>Whether somebody writes just now, where there is one writer at a time: what can wait had better.</summary>
    public bool IsWriterBusy => _writers is { CurrentCount: 0 };

    /// <summary>Whether writers of this process take turns, so that two of them at once cost as much as one after the other.</summary>
    internal bool HasOneWriter => _writers is not null;

    /// <summary>Closes idle connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        if (Provider == StorageProvider.Sqlite)
        {
            using var connection = new SqliteConnection(ConnectionString);
            SqliteConnection.ClearPool(connection);
        }

        _writers?.Dispose();
    }

    /// <summary>Picks the text that this database understands.</summary>
    internal string Sql(string sqlite, string postgreSql, string sqlServer) => Provider switch
    {
        StorageProvider.Sqlite => sqlite,
        StorageProvider.PostgreSql => postgreSql,
        _ => sqlServer,
    };

    /// <summary>Picks the text that this database understands, where SQLite and PostgreSQL agree.</summary>
    internal string Sql(string others, string sqlServer) => Provider == StorageProvider.SqlServer ? sqlServer : others;

    /// <summary>Reads rows outside any transaction.</summary>
    internal async Task<List<T>> ReadAsync<T>(
        string sql, object? parameters, Func<DbDataReader, T> row, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        await using var connection = await OpenAsync(cancellationToken);
        return await ReadAsync(connection, null, sql, parameters, row, cancellationToken, timeout);
    }

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

        return rows;
    }

    /// <summary>
    /// Reads several tables as of one moment. SQL Server reads under READ COMMITTED: its driver's pool hands a connection on with the
    /// isolation level that it was last used under, to readers that must not hold locks; what is read first there names its lock.
    /// </summary>
    internal async Task<T> ReadTogetherAsync<T>(Func<DbConnection, DbTransaction, Task<T>> read, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
#pragma warning disable CA1849 // SQLite's driver never waits on a network, and has no other way to begin without the write lock.
        await using var transaction = connection is SqliteConnection sqlite
            ? sqlite.BeginTransaction(deferred: true)
            : await connection.BeginTransactionAsync(
                Provider == StorageProvider.SqlServer ? IsolationLevel.ReadCommitted : IsolationLevel.RepeatableRead, cancellationToken);
#pragma warning restore CA1849
        var result = await read(connection, transaction);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    /// <summary>
    /// Writes in one transaction, and once more when another transaction was in the way. What is passed in is idempotent,
    /// as every write of the stores is.
    /// </summary>
    internal async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        using var turn = await EnterWriteAsync(cancellationToken);
        return await WriteInTurnAsync(write, cancellationToken);
    }

    /// <summary>As <see cref="WriteAsync"/>, for whoever has the turn already.</summary>
    internal async Task<T> WriteInTurnAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        for (var tried = 1; ; tried++)
        {
            try
            {
                await using var connection = await OpenAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
                if (Provider == StorageProvider.PostgreSql)
                {
                    await ExecuteAsync(connection, transaction, EndWhereIdle, null, cancellationToken);
                }

                var result = await write(connection, transaction);
                await transaction.CommitAsync(cancellationToken);
                return result;
            }
            catch (DbException e) when (tried < MostTries && StorageFaults.Of(e) == StorageFault.Conflict)
            {
                // The transaction is rolled back; the one that was in the way is through.
            }
        }
    }

    /// <summary>Writes with one statement.</summary>
    internal Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        WriteAsync((connection, transaction) => ExecuteAsync(connection, transaction, sql, parameters, cancellationToken), cancellationToken);

    /// <summary>Runs one statement within a transaction and answers how many rows it touched.</summary>
    internal static Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction? transaction, string sql, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(Counted(connection, sql), parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>
    /// The text as one whose rows are counted. SQL Server counts none (the driver answers -1) where NOCOUNT is on, which may be the
    /// default of the server's sessions.
    /// </summary>
    internal static string Counted(DbConnection connection, string sql) => connection is SqlConnection ? $"set nocount off;\n{sql}" : sql;

    /// <summary>Runs one statement within a transaction and answers the first column of its first row, or the default when there is none.</summary>
    internal static Task<T?> ScalarAsync<T>(
        DbConnection connection, DbTransaction? transaction, string sql, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<T>(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    private static string Complete(StorageProvider provider, string connectionString) => provider switch
    {
        StorageProvider.Sqlite => CompleteSqlite(connectionString),
        StorageProvider.PostgreSql => CompletePostgreSql(connectionString),
        StorageProvider.SqlServer => CompleteSqlServer(connectionString),
        _ => connectionString,
    };

    private static string CompleteSqlite(string connectionString)
    {
        var builder = new SqliteConnectionStringBuilder(connectionString);
        if (builder.DataSource is "" or ":memory:" || builder.Mode == SqliteOpenMode.Memory)
        {
            throw new ArgumentException("A SQLite database is a file: the connection string must name one, as in Data Source=authcluster.db.", nameof(connectionString));
        }

        builder.ForeignKeys = true;
        SetUnlessGiven(builder, "Default Timeout", (int)CommandTimeout.TotalSeconds);
        return builder.ConnectionString;
    }

    private static string CompletePostgreSql(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // Also what a time-out of a command costs on top, since the driver then opens a connection to ask the server to stop.
        SetUnlessGiven(builder, "Timeout", 2);
        SetUnlessGiven(builder, "Command Timeout", (int)CommandTimeout.TotalSeconds);
        // How long (in ms) the driver then waits for the server to have stopped.
        SetUnlessGiven(builder, "Cancellation Timeout", 500);
        // The driver would ask for Kerberos encryption first: a round trip for each new connection, and a time-out more for each that hangs.
        SetUnlessGiven(builder, "GSS Encryption Mode", GssEncryptionMode.Disable);
        SetUnlessGiven(builder, "Application Name", "authcluster");
        return builder.ConnectionString;
    }

    private static string CompleteSqlServer(string connectionString)
    {
        var builder = new SqlConnectionStringBuilder(connectionString);
        SetUnlessGiven(builder, "Connect Timeout", 3);
        SetUnlessGiven(builder, "Command Timeout", (int)CommandTimeout.TotalSeconds);
        // The default answers a failed login from memory for up to a minute, long after the server is back.
        SetUnlessGiven(builder, "Pool Blocking Period", PoolBlockingPeriod.NeverBlock);
        SetUnlessGiven(builder, "Connect Retry Interval", 1);
        SetUnlessGiven(builder, "Application Name", "authcluster");
        return builder.ConnectionString;
    }

    private static string WithPoolOfItsOwn(string connectionString)
    {
        var builder = new SqlConnectionStringBuilder(connectionString) { MinPoolSize = 0 };
        builder.MaxPoolSize = builder.MaxPoolSize == MembershipConnections ? MembershipConnections + 1 : MembershipConnections;
        return builder.ConnectionString;
    }

    private static void SetUnlessGiven(DbConnectionStringBuilder builder, string keyword, object value)
    {
        if (!builder.ShouldSerialize(keyword))
        {
            builder[keyword] = value;
        }
    }
}
