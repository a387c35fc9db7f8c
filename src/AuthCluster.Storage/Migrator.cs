using System.Data.Common;
using System.Text.RegularExpressions;
using Dapper;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Storage;

/// <summary>One script of the schema.</summary>
/// <param name="Name">Its name, such as <c>0001_create_grain_storage</c>.</param>
/// <param name="Applied">Whether this database has it.</param>
public sealed record MigrationScript(string Name, bool Applied);

/// <summary>The schema could not be brought up to date. The message is a sentence for the operator.</summary>
/// <param name="message">The sentence.</param>
/// <param name="innerException">What the database said.</param>
public sealed class MigrationFailedException(string message, Exception? innerException = null)
    : Exception(message, innerException);

/// <summary>Brings the schema up to date from the numbered scripts in <c>sql/</c>, and tells which are applied.</summary>
/// <remarks>
/// Each script is one transaction and journals itself, so that one applied by hand counts as well. Any number of processes may do this at once,
/// and may be killed while they do. The lock between them belongs to the script's transaction, and the journal is read again under it. So the lock
/// ends with the transaction, also behind a pooler that gives each transaction another session. No script may need to run outside a transaction.
/// While a statement waits for a table's lock, everybody who asks for the table later waits too, also readers. So a statement waits for a second
/// at most, and the script is tried again after a pause in which the others can work.
/// </remarks>
public sealed partial class Migrator(Database database, TimeProvider clock, ILogger<Migrator> logger)
{
    private const int MinTries = 5;

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TablePause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LockDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ScriptTimeout = TimeSpan.FromMinutes(10);

    private const string ReadJournal = "select script_name from schema_version";

    private readonly string _journalExists = database.Sql(
        sqlite: "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'",
        // Not to_regclass: it answers from the session's cache, which may not know yet what another session has just committed.
        postgreSql: "select 1 from pg_catalog.pg_tables where tablename = 'schema_version' and schemaname = any(current_schemas(false))",
        sqlServer: "select 1 where object_id('schema_version', 'U') is not null");

    /// <summary>Takes the lock for the transaction, or answers 0. SQLite has the write transaction itself.</summary>
    private readonly string _lock = database.Sql(
        sqlite: "select 1",
        // The number stands for this purpose in this product; any other would do.
        postgreSql: "select case when pg_try_advisory_xact_lock(7141902035521147) then 1 else 0 end",
        sqlServer: """
            declare @result int;
            exec @result = sp_getapplock @Resource = 'authcluster-migration', @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 0;
            select case when @result >= 0 then 1 else 0 end;
            """);

    /// <summary>
    /// Limits how long a statement of the transaction waits for a lock: in ms, less than <see cref="Database.CommandTimeout"/> of those who wait
    /// behind it. SQLite locks the whole file. SQL Server's setting belongs to the session, which its pool resets.
    /// </summary>
    private readonly string _boundWaits = database.Sql(
        sqlite: "select 1",
        postgreSql: "set local lock_timeout = 1000",
        sqlServer: "set lock_timeout 1000");

    /// <summary>How an attempt to apply a script ended.</summary>
    private enum Step
    {
        /// <summary>Another process has the lock.</summary>
        Locked,

        /// <summary>Other transactions hold locks that the script needs.</summary>
        InUse,

        /// <summary>Another process applied the script meanwhile.</summary>
        Present,

        /// <summary>The script is applied.</summary>
        Applied,
    }

    private string Folder => database.Sql(sqlite: "sqlite/", postgreSql: "postgresql/", sqlServer: "sqlserver/");

    /// <summary>Applies the scripts that this database does not have yet, and returns the names of those that this call applied.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    /// <exception cref="MigrationFailedException">A script failed, or the lock or its tables were not free for two minutes.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken = default)
    {
        var status = await StatusAsync(cancellationToken);
        if (status.All(script => script.Applied))
        {
            LogCurrent();
            return [];
        }

        var applied = new List<string>();
        foreach (var name in status.Where(script => !script.Applied).Select(script => script.Name))
        {
            if (await ApplyAsync(name, cancellationToken))
            {
                applied.Add(name);
            }
        }

        if (applied.Count > 0)
        {
            LogApplied(applied.Count, applied[^1]);
        }

        return applied;
    }

    /// <summary>All scripts of this build in order, and whether the database has them. It is current when all are applied.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public async Task<IReadOnlyList<MigrationScript>> StatusAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var applied = await ReadJournalAsync(connection, null, cancellationToken);
        return [.. ScriptNames().Select(name => new MigrationScript(name, applied.Contains(name)))];
    }

    /// <summary>Applies a script when the lock is free, unless another process has applied it by then.</summary>
    /// <returns>Whether this call applied it.</returns>
    private async Task<bool> ApplyAsync(string name, CancellationToken cancellationToken)
    {
        var (isInUse, tries, firstFailure) = (false, 0, clock.GetTimestamp());
        while (true)
        {
            var (step, obstacle) = await TryApplyAsync(name, cancellationToken);
            if (step is Step.Present or Step.Applied)
            {
                return step == Step.Applied;
            }

            // Each obstacle has its own two minutes, from its first occurrence: a script may have worked for minutes before.
            (isInUse, tries, firstFailure) = tries > 0 && isInUse == (obstacle is not null)
                ? (isInUse, tries + 1, firstFailure)
                : (obstacle is not null, 1, clock.GetTimestamp());
            var left = LockDeadline - clock.GetElapsedTime(firstFailure);
            if (left < TimeSpan.Zero && tries >= MinTries)
            {
                throw new MigrationFailedException(obstacle is null
                    ? "Another process has been changing the database schema for two minutes; look at that one first."
                    : $"The database schema could not be brought up to date: script {name} needs tables that other transactions had at each of {tries} tries ({StorageReason.Of(obstacle)}); end those that are open for long, and try again.", obstacle);
            }

            if (obstacle is not null)
            {
                LogInUse(name, StorageReason.Of(obstacle), tries);
            }

            // Outside the transaction, so that the wait holds no connection of a pooler.
            await Task.Delay(obstacle is null ? LockPoll : TablePause, clock, cancellationToken);
        }
    }

    private async Task<(Step Step, Exception? Obstacle)> TryApplyAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var step = await database.WriteAsync(
                async (connection, transaction) =>
                {
                    await Database.ExecuteAsync(connection, transaction, _boundWaits, null, cancellationToken);
                    if (await Database.ScalarAsync<int>(connection, transaction, _lock, null, cancellationToken) != 1)
                    {
                        return Step.Locked;
                    }

                    if ((await ReadJournalAsync(connection, transaction, cancellationToken)).Contains(name))
                    {
                        return Step.Present;
                    }

                    LogApplying(name);
                    foreach (var batch in BatchesOf(database.Provider, TextOf(name)))
                    {
                        await connection.ExecuteAsync(new CommandDefinition(
                            batch, transaction: transaction, commandTimeout: (int)ScriptTimeout.TotalSeconds, cancellationToken: cancellationToken));
                    }

                    return Step.Applied;
                },
                cancellationToken);
            return (step, null);
        }
        catch (DbException e) when (StorageFaults.IsInUse(e))
        {
            return (Step.InUse, e);
        }
        catch (DbException e) when (StorageFaults.Of(e) is StorageFault.Conflict or StorageFault.Rejected)
        {
            throw new MigrationFailedException($"The database schema could not be brought up to date: script {name} failed: {e.Message}", e);
        }
    }

    /// <summary>The names of the applied scripts, as committed when this is called, also within a transaction that began before.</summary>
    internal async Task<HashSet<string>> ReadJournalAsync(DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        var exists = await Database.ScalarAsync<int?>(connection, transaction, _journalExists, null, cancellationToken) is 1;
        List<string> names = exists
            ? await Database.ReadAsync(connection, transaction, ReadJournal, null, row => row.GetString(0), cancellationToken)
            : [];
        return new HashSet<string>(names, StringComparer.Ordinal);
    }

    /// <summary>What is sent at once. Only SQL Server has batches, which a line <c>go</c> ends: the others take a script as it is.</summary>
    internal static IEnumerable<string> BatchesOf(StorageProvider provider, string script) => provider == StorageProvider.SqlServer
        ? BatchEnd().Split(script).Where(batch => !string.IsNullOrWhiteSpace(batch))
        : [script];

    private IEnumerable<string> ScriptNames() => typeof(Migrator).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .Select(name => name[Folder.Length..])
        .Order(StringComparer.Ordinal);

    private string TextOf(string name)
    {
        using var reader = new StreamReader(typeof(Migrator).Assembly.GetManifestResourceStream(Folder + name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^[ \t]*go[ \t]*\r?$", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex BatchEnd();

    [LoggerMessage(1510, LogLevel.Debug, "Applying {Script} to the database.")]
    private partial void LogApplying(string script);

    [LoggerMessage(1514, LogLevel.Information, "The database schema was brought up to date: {Count} scripts were applied, the last is {Last}.")]
    private partial void LogApplied(int count, string last);

    [LoggerMessage(1515, LogLevel.Warning, "Script {Script} waits for tables that other transactions have ({Reason}); try {Try} failed, and the next follows.")]
    private partial void LogInUse(string script, string reason, int @try);

    [LoggerMessage(1511, LogLevel.Information, "The database schema is current.")]
    private partial void LogCurrent();
}
