using System.Data;
using System.Data.Common;
using System.Reflection;
using DbUp.Builder;
using DbUp.Engine;
using DbUp.Engine.Output;
using DbUp.Engine.Transactions;
using DbUp.Support;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace AuthCluster.Storage;

/// <summary>One script of the schema.</summary>
/// <param name="Name">Its name, such as <c>0001_create_grain_storage</c>.</param>
/// <param name="Applied">Whether this database has it.</param>
public sealed record MigrationScript(string Name, bool Applied);

/// <summary>The schema could not be brought up to date. The message is a sentence for the operator.</summary>
public sealed class MigrationFailedException : Exception
{
    /// <summary>One without a message of its own.</summary>
    public MigrationFailedException()
        : base("The database schema could not be brought up to date.")
    {
    }

    /// <summary>One with its sentence.</summary>
    public MigrationFailedException(string message)
        : base(message)
    {
    }

    /// <summary>One with its sentence and what the database said.</summary>
    public MigrationFailedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Brings the schema up to date from the numbered scripts in <c>sql/</c>, and tells which are applied.</summary>
/// <remarks>
/// Each script is one transaction and journals itself, so that one applied by hand counts as well. Any number of processes may do
/// this at once and be killed on the way: the lock belongs to the very connection that runs the scripts, so that the database
/// frees it when that session, and whatever it was still doing, has ended.
/// </remarks>
public sealed partial class Migrator(Database database, TimeProvider clock, ILogger<Migrator> logger)
{
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LockDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ScriptTimeout = TimeSpan.FromMinutes(10);

    private const string ReadJournal = "select script_name from schema_version";

    private readonly string _journalExists = database.Sql(
        sqlite: "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'",
        postgreSql: "select 1 where to_regclass('schema_version') is not null",
        sqlServer: "select 1 where object_id('schema_version', 'U') is not null");

    /// <summary>Takes the lock, or answers 0. SQLite's is the file lock that the process holds, and the write transaction itself.</summary>
    private readonly string _lock = database.Sql(
        sqlite: "select 1",
        // The number stands for this purpose in this product; any other would do.
        postgreSql: "select case when pg_try_advisory_lock(7141902035521147) then 1 else 0 end",
        sqlServer: """
            declare @result int;
            exec @result = sp_getapplock @Resource = 'authcluster-migration', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0;
            select case when @result >= 0 then 1 else 0 end;
            """);

    private string Folder => database.Sql(sqlite: "sqlite/", postgreSql: "postgresql/", sqlServer: "sqlserver/");

    /// <summary>Applies the scripts that this database does not have yet, and returns their names.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    /// <exception cref="MigrationFailedException">A script failed, or the lock was not free for two minutes.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken = default)
    {
        using var turn = await database.EnterWriteAsync(cancellationToken);

        // Not from the pool: what a session keeps, the lock above all, must end with it.
        await using var connection = CreateConnection();
        await OpenAsync(connection, cancellationToken);
        await LockAsync(connection, cancellationToken);
        var result = await Task.Run(() => Upgrade(connection), cancellationToken);
        if (!result.Successful)
        {
            throw new MigrationFailedException(
                $"The database schema could not be brought up to date: script {result.ErrorScript?.Name ?? "(none)"} failed: {result.Error.Message}",
                result.Error);
        }

        var applied = result.Scripts.Select(script => script.Name).ToList();
        if (applied.Count == 0)
        {
            LogCurrent();
        }

        return applied;
    }

    /// <summary>All scripts of this build in order, and whether the database has them. It is current when all are applied.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public async Task<IReadOnlyList<MigrationScript>> StatusAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var exists = await Database.ScalarAsync<int?>(connection, null, _journalExists, null, cancellationToken) is 1;
        List<string> applied = exists
            ? await Database.ReadAsync(connection, null, ReadJournal, null, row => row.GetString(0), cancellationToken)
            : [];
        return [.. Scripts().Select(script => new MigrationScript(script.Name, applied.Contains(script.Name, StringComparer.Ordinal)))];
    }

    private DbConnection CreateConnection() => database.Provider switch
    {
        StorageProvider.Sqlite => new SqliteConnection(new SqliteConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString),
        StorageProvider.PostgreSql => new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString),
        _ => new SqlConnection(new SqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString),
    };

    private static async Task OpenAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await connection.OpenAsync(cancellationToken);
        }
        catch (Exception e) when (StorageFaults.IsOpeningFailure(e))
        {
            throw new StorageUnavailableException("The database could not be reached.", e);
        }
    }

    /// <summary>Asks for the lock until it is free.</summary>
    private async Task LockAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (await Database.ScalarAsync<int>(connection, null, _lock, null, cancellationToken) != 1)
        {
            if (clock.GetElapsedTime(start) > LockDeadline)
            {
                throw new MigrationFailedException("Another process has been changing the database schema for two minutes; look at that one first.");
            }

            await Task.Delay(LockPoll, clock, cancellationToken);
        }
    }

    private DatabaseUpgradeResult Upgrade(DbConnection connection)
    {
        var journal = new Journal(this, connection);
        var connections = new LockedConnectionManager(connection, database.Provider);
        var builder = new UpgradeEngineBuilder();
        builder.Configure(configuration =>
        {
            configuration.ConnectionManager = connections;
            configuration.Journal = journal;
            configuration.ScriptExecutor = ExecutorFor(configuration);
        });
        return builder
            .WithScripts(Scripts())
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .WithExecutionTimeout(ScriptTimeout)
            .LogTo(new UpgradeLog(this))
            .Build()
            .PerformUpgrade();
    }

    private IScriptExecutor ExecutorFor(UpgradeConfiguration configuration) => database.Provider switch
    {
        StorageProvider.Sqlite => new DbUp.Sqlite.SqliteScriptExecutor(
            () => configuration.ConnectionManager, () => configuration.Log, null, () => false, [], () => configuration.Journal),
        StorageProvider.PostgreSql => new DbUp.Postgresql.PostgresqlScriptExecutor(
            () => configuration.ConnectionManager, () => configuration.Log, null, () => false, [], () => configuration.Journal),
        _ => new DbUp.SqlServer.SqlScriptExecutor(
            () => configuration.ConnectionManager, () => configuration.Log, null, () => false, [], () => configuration.Journal),
    };

    private SqlScript[] Scripts()
    {
        var assembly = typeof(Migrator).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => new SqlScript(name[Folder.Length..], ReadText(assembly, name))),
        ];
    }

    private static string ReadText(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [LoggerMessage(1510, LogLevel.Information, "Applying {Script} to the database.")]
    private partial void LogApplying(string script);

    [LoggerMessage(1511, LogLevel.Information, "The database schema is current.")]
    private partial void LogCurrent();

    [LoggerMessage(1512, LogLevel.Debug, "{Message}")]
    private partial void LogDetail(string message);

    [LoggerMessage(1513, LogLevel.Error, "{Message}")]
    private partial void LogFailure(string message);

    /// <summary>The connection that holds the lock, for the whole upgrade.</summary>
    private sealed class LockedConnectionManager(DbConnection connection, StorageProvider provider)
        : DatabaseConnectionManager(new DelegateConnectionFactory(_ => connection))
    {
        /// <summary>Only SQL Server has batches: the others take a script as it is.</summary>
        public override IEnumerable<string> SplitScriptIntoCommands(string scriptContents) => provider == StorageProvider.SqlServer
            ? new SqlCommandSplitter().SplitScriptIntoCommands(scriptContents)
            : [scriptContents];
    }

    /// <summary>The scripts write the journal themselves; here it is only read.</summary>
    private sealed class Journal(Migrator migrator, DbConnection connection) : IJournal
    {
        public string[] GetExecutedScripts()
        {
            var names = new List<string>();
            using var exists = connection.CreateCommand();
#pragma warning disable CA2100 // The texts are constants of this class.
            exists.CommandText = migrator._journalExists;
            if (exists.ExecuteScalar() is not (1 or 1L))
            {
                return [];
            }

            using var read = connection.CreateCommand();
            read.CommandText = ReadJournal;
#pragma warning restore CA2100
            using var reader = read.ExecuteReader();
            while (reader.Read())
            {
                names.Add(reader.GetString(0));
            }

            return [.. names];
        }

        public void StoreExecutedScript(SqlScript script, Func<IDbCommand> dbCommandFactory)
        {
        }

        public void EnsureTableExistsAndIsLatestVersion(Func<IDbCommand> dbCommandFactory)
        {
        }
    }

    /// <summary>What the library says goes to the log at a level of our choice.</summary>
    private sealed class UpgradeLog(Migrator migrator) : IUpgradeLog
    {
        private const string Executing = "Executing Database Server script '{0}'";

        public void LogTrace(string format, params object[] args) => migrator.LogDetail(Text(format, args));

        public void LogDebug(string format, params object[] args) => migrator.LogDetail(Text(format, args));

        public void LogInformation(string format, params object[] args)
        {
            if (format == Executing)
            {
                migrator.LogApplying(Text("{0}", args));
            }
            else
            {
                migrator.LogDetail(Text(format, args));
            }
        }

        public void LogWarning(string format, params object[] args) => migrator.LogDetail(Text(format, args));

        public void LogError(string format, params object[] args) => migrator.LogFailure(Text(format, args));

        public void LogError(Exception ex, string format, params object[] args) => migrator.LogFailure(Text(format, args));

        private static string Text(string format, object[] args) =>
            string.Format(System.Globalization.CultureInfo.InvariantCulture, format, args);
    }
}
