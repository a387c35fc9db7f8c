using System.Data;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AuthCluster.Storage.Sqlite;

/// <summary>One open connection to the SQLite file, with the commands that it has prepared. One caller uses it at a time.</summary>
/// <remarks>A prepared command keeps the values of its last execution in memory until the next one, or until the session is closed.</remarks>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>
    /// The write-ahead log lets readers go on during a write. <c>synchronous=FULL</c> syncs it at each commit, so that an acknowledged write is on
    /// disk. The time-out comes first, since another connection may be closing the log.
    /// </summary>
    private const string Settings = """
        pragma busy_timeout = 3000;
        pragma journal_mode = wal;
        pragma synchronous = full;
        pragma cache_size = -16384;
        """;

    /// <summary>More than the product has texts: a bound on memory that is not reached.</summary>
    private const int MaxPrepared = 128;

    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);

    /// <summary>Opens the file.</summary>
    /// <param name="connectionString">Names the file.</param>
    /// <param name="generation">How often the data source had renewed its connections before.</param>
    /// <exception cref="SqliteException">The file can't be opened, or is no database.</exception>
    public SqliteSession(string connectionString, int generation)
    {
        Generation = generation;
        Connection = new SqliteConnection(connectionString);
        try
        {
            Connection.Open();
            using var command = Connection.CreateCommand();
            command.CommandText = Settings;
            command.ExecuteNonQuery();
        }
        catch
        {
            Connection.Dispose();
            throw;
        }
    }

    /// <summary>How often the data source had renewed its connections when this one was opened.</summary>
    public int Generation { get; }

    /// <summary>The driver's connection.</summary>
    public SqliteConnection Connection { get; }

    /// <summary>
    /// Whether a statement failed as it began, or a transaction was left open. The cause may be the connection itself: SQLite opens a file that
    /// can't be written for reading only, and stays with it.
    /// </summary>
    public bool HasFailed { get; set; }

    /// <summary>Whether the next caller may have it.</summary>
    public bool IsSound => !HasFailed && Connection.State == ConnectionState.Open && raw.sqlite3_get_autocommit(Connection.Handle) != 0;

    /// <summary>Takes the command of this text, prepared if the text was used before. It goes back by <see cref="Keep"/>.</summary>
#pragma warning disable CA2100 // The callers' commands are checked for what they take into their texts.
    public SqliteCommand Take(string text) => _prepared.Remove(text, out var command) ? command : new SqliteCommand(text, Connection);
#pragma warning restore CA2100

    /// <summary>Keeps a command, whose reader is closed, for the next use of its text.</summary>
    public void Keep(SqliteCommand command)
    {
        command.Transaction = null;
        command.Parameters.Clear();
        if (_prepared.Count == MaxPrepared)
        {
            Forget();
        }

        if (!_prepared.TryAdd(command.CommandText, command))
        {
            command.Dispose();
        }
    }

    /// <summary>Ends the statement that runs now, if any, with an error; it is rolled back.</summary>
    public void Interrupt() => raw.sqlite3_interrupt(Connection.Handle);

    /// <summary>Closes the connection, which rolls back an open transaction.</summary>
    public void Dispose()
    {
        Forget();
        Connection.Dispose();
    }

    private void Forget()
    {
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }

        _prepared.Clear();
    }
}
