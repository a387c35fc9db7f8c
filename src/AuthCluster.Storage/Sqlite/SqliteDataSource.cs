using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage.Sqlite;

/// <summary>The connections to one SQLite file. They stay open between their uses, and so do the statements that they have prepared.</summary>
/// <remarks>
/// The driver prepares a statement anew for each command, and keeps it only as long as the command and its connection are open. A write of a
/// client's row compiles the triggers that tell of it: that takes several times as long as the write itself.
/// </remarks>
internal sealed class SqliteDataSource(string connectionString) : DbDataSource
{
    /// <summary>Connections beyond these are closed after their use: SQLite works in its caller's thread, so few are ever in use at once.</summary>
    private const int MaxIdle = 16;

    private readonly ConcurrentStack<SqliteSession> _idle = new();
    private volatile bool _disposed;

    public override string ConnectionString => connectionString;

    /// <summary>Gives a session back after a use: it is kept for the next one, or closed.</summary>
    public void GiveBack(SqliteSession session)
    {
        if (session.IsInTransaction || _idle.Count >= MaxIdle)
        {
            session.Dispose();
            return;
        }

        _idle.Push(session);
        if (_disposed)
        {
            CloseIdle();
        }
    }

    // Orleans looks at its type only.
    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection() => Open(CancellationToken.None);

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<DbConnection>(Open(cancellationToken));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Close();
        }

        base.Dispose(disposing);
    }

    protected override ValueTask DisposeAsyncCore()
    {
        Close();
        return base.DisposeAsyncCore();
    }

    private SqliteLease Open(CancellationToken cancellationToken)
    {
        var session = _idle.TryPop(out var idle) ? idle : new SqliteSession(connectionString);
        return new SqliteLease(this, session, cancellationToken);
    }

    private void Close()
    {
        _disposed = true;
        CloseIdle();
    }

    private void CloseIdle()
    {
        while (_idle.TryPop(out var session))
        {
            session.Dispose();
        }
    }
}
