namespace AuthCluster.Storage;

/// <summary>Keeps a second process from a SQLite file: two silos on one file would each believe to be the only one.</summary>
/// <remarks>The operating system holds the lock, on a file beside the database, so it ends with the process, even at a crash.</remarks>
public sealed class SqliteFileLock : IDisposable
{
    private readonly FileStream? _held;

    private SqliteFileLock(FileStream? held) => _held = held;

    /// <summary>Takes the lock. For the server databases, which many processes share, there is nothing to take.</summary>
    /// <exception cref="DatabaseInUseException">Another process has the file.</exception>
    public static SqliteFileLock Take(Database database)
    {
        if (database.SqliteFile is not { } file)
        {
            return new SqliteFileLock(null);
        }

        try
        {
            return new SqliteFileLock(new FileStream(file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            throw new DatabaseInUseException(
                $"The SQLite database {file} is in use by another process; stop that one first, or give this one a data folder of its own.", e);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _held?.Dispose();
}

/// <summary>Another process uses the SQLite file. The message is a sentence for the operator.</summary>
/// <param name="message">The sentence.</param>
/// <param name="innerException">The operating system's own exception.</param>
public sealed class DatabaseInUseException(string message, Exception innerException)
    : Exception(message, innerException);
