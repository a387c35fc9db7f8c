using System.Data.Common;
using AuthCluster.Storage.Sqlite;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AuthCluster.Storage;

/// <summary>One database: how to connect to it, how long to wait for it, and who may write.</summary>
/// <remarks>
/// All of the product's SQL goes through the stores of this project, which take a <see cref="Database"/>, except for what Orleans
/// itself reads and writes: it is given <see cref="DataSource"/> and <see cref="OrleansInvariant"/>.
/// Time-outs that the operator's connection string does not set are set here, so that a database that hangs does not hold a connection for ever:
/// after <see cref="CommandTimeout"/> the driver asks the server to stop the statement, and closes the connection if the server does not answer.
/// PostgreSQL's driver needs up to 2.5 s for this, SQL Server's 5 s. Callers that can't wait that long have a deadline of their own.
/// </remarks>
public sealed partial class Database : IAsyncDisposable
{
    /// <summary>How long one statement may take, unless the connection string sets another time.</summary>
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(3);

    /// <summary>How long a list or a report may take: they read many rows. Their callers give up sooner.</summary>
    internal static readonly TimeSpan LongCommandTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Heartbeats, readings of the table and votes: a few at a time.</summary>
    private const int MembershipConnections = 8;

#pragma warning disable CA2213 // It has no wait handle to free, and a write may still run when the services of the process are disposed.
    private readonly SemaphoreSlim? _writers;
#pragma warning restore CA2213

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
            StorageProvider.Sqlite => new SqliteDataSource(ConnectionString, TimeProvider.System),
            StorageProvider.PostgreSql => NpgsqlDataSource.Create(ConnectionString),
            StorageProvider.SqlServer => SqlClientFactory.Instance.CreateDataSource(ConnectionString),
            _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "No such storage provider."),
        });
        MaxConnections = provider switch
        {
            StorageProvider.PostgreSql => new NpgsqlConnectionStringBuilder(ConnectionString).MaxPoolSize,
            StorageProvider.SqlServer => new SqlConnectionStringBuilder(ConnectionString).MaxPoolSize,
            _ => int.MaxValue,
        };
        if (provider == StorageProvider.Sqlite)
        {
            _writers = new SemaphoreSlim(1);
            SqliteFile = Path.GetFullPath(new SqliteConnectionStringBuilder(ConnectionString).DataSource);
        }
    }

    /// <summary>A database behind any connections.</summary>
    internal Database(StorageProvider provider, DbDataSource dataSource)
    {
        Provider = provider;
        ConnectionString = "";
        DataSource = new ReachingDataSource(dataSource);
        MaxConnections = int.MaxValue;
    }

    /// <summary>
    /// Describes the same database with a connection pool of its own for the membership, so that connections which hang elsewhere don't block it.
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

    /// <summary>The name of this database's driver in Orleans' AdoNet providers.</summary>
    public string OrleansInvariant => Provider switch
    {
        // Orleans knows Microsoft.Data.Sqlite by this name only.
        StorageProvider.Sqlite => "System.Data.SQLite",
        StorageProvider.PostgreSql => "Npgsql",
        _ => "Microsoft.Data.SqlClient",
    };

    /// <summary>The most connections at once: the size of the driver's pool. SQLite has no such bound.</summary>
    public int MaxConnections { get; }

    /// <summary>Whether the driver works in its caller's thread, and so blocks it until the statement is done.</summary>
    public bool HoldsItsCaller => Provider == StorageProvider.Sqlite;

    /// <summary>The full path of the SQLite file; null for the server databases.</summary>
    public string? SqliteFile { get; }

    /// <summary>The connection string with its time-outs. Holds the password: never logged.</summary>
    internal string ConnectionString { get; }

    /// <summary>Opens a connection; the caller disposes it.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellationToken = default) =>
        DataSource.OpenConnectionAsync(cancellationToken);

    /// <summary>
    /// Waits for the turn to write. SQLite has one writer at a time, and its own waiting blocks threads and starves some of them for seconds, so
    /// all writers of the process, Orleans' too, queue here. With the server databases it returns at once.
    /// </summary>
    /// <exception cref="CanceledBeforeWriteException">The wait was cancelled.</exception>
    public async ValueTask<WriteTurn> EnterWriteAsync(CancellationToken cancellationToken = default)
    {
        if (_writers is not null)
        {
            try
            {
                await _writers.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException e)
            {
                throw new CanceledBeforeWriteException("The turn to write was waited for in vain.", e);
            }
        }

        return new WriteTurn(_writers);
    }

    /// <summary>Closes idle connections.</summary>
    public ValueTask DisposeAsync() => DataSource.DisposeAsync();

    /// <summary>Picks the text that this database understands.</summary>
    internal string Sql(string sqlite, string postgreSql, string sqlServer) => Provider switch
    {
        StorageProvider.Sqlite => sqlite,
        StorageProvider.PostgreSql => postgreSql,
        _ => sqlServer,
    };

    /// <summary>Picks the text that this database understands, where SQLite and PostgreSQL take the same.</summary>
    internal string Sql(string others, string sqlServer) => Provider == StorageProvider.SqlServer ? sqlServer : others;

    /// <summary>
    /// Several statements, one of them a query, as one text that runs as one transaction; null for none. PostgreSQL makes one of all that comes at once, and
    /// the writers to SQLite have one already. A text for SQL Server may stand within another transaction too.
    /// </summary>
    internal string AtOnce(params string?[] statements)
    {
        var all = string.Join(";\n", statements.OfType<string>());
        return Sql(others: all, sqlServer: $"set xact_abort on;\nbegin transaction;\n{all};\ncommit transaction");
    }

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
        builder.Pooling = false; // SqliteDataSource keeps the open connections itself.
        SetUnlessGiven(builder, "Default Timeout", (int)CommandTimeout.TotalSeconds);
        return builder.ConnectionString;
    }

    private static string CompletePostgreSql(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // A command's time-out takes this much longer, since the driver then opens a connection to ask the server to stop.
        SetUnlessGiven(builder, "Timeout", 2);
        SetUnlessGiven(builder, "Command Timeout", (int)CommandTimeout.TotalSeconds);
        // How long (in ms) the driver then waits for the server to have stopped.
        SetUnlessGiven(builder, "Cancellation Timeout", 500);
        // The driver would ask for Kerberos encryption first: one more round trip for each new connection, and one more time-out for each that hangs.
        SetUnlessGiven(builder, "GSS Encryption Mode", GssEncryptionMode.Disable);
        SetUnlessGiven(builder, "Application Name", "authcluster");
        return builder.ConnectionString;
    }

    private static string CompleteSqlServer(string connectionString)
    {
        var builder = new SqlConnectionStringBuilder(connectionString);
        SetUnlessGiven(builder, "Connect Timeout", 3);
        SetUnlessGiven(builder, "Command Timeout", (int)CommandTimeout.TotalSeconds);
        // By default the driver repeats a failed login's error for up to a minute, although the server is back.
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
