using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage.Sqlite;

/// <summary>The connections to one SQLite file. They stay open between their uses, and so do the statements that they have prepared.</summary>
/// <remarks>
/// The driver prepares a statement anew for each command, and keeps it only as long as the command and its connection are open. A write of a
/// client's row compiles the triggers that tell of it: that takes several times as long as the write itself.
/// </remarks>
internal sealed class SqliteDataSource(string connectionString, TimeProvider clock) : DbDataSource
{
    /// <summary>Connections beyond these are closed after their use: SQLite works in its caller's thread, so few are ever in use at once.</summary>
    private const int MaxIdle = 16;

    /// <summary>
    /// How often all connections are closed and opened anew, each when its use ends: a burst then leaves no page caches for good, and a file that
    /// was moved or replaced is not read for ever.
    /// </summary>
    internal static readonly TimeSpan Renewal = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private Stack<SqliteSession> _idle = [];
    private long _renewedAt = clock.GetTimestamp();
    private int _generation;
    private bool _disposed;

    public override string ConnectionString => connectionString;

    /// <summary>Gives a session back after a use: it is kept for the next one, or closed.</summary>
    public void GiveBack(SqliteSession session)
    {
        Stack<SqliteSession> spent = [];
        lock (_gate)
        {
            if (clock.GetElapsedTime(_renewedAt) >= Renewal)
            {
                (spent, _idle, _renewedAt) = (_idle, [], clock.GetTimestamp());
                _generation++;
            }

            var isKept = !_disposed && session.Generation == _generation && session.IsSound && _idle.Count < MaxIdle;
            (isKept ? _idle : spent).Push(session);
        }

        Close(spent);
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
            CloseAll();
        }

        base.Dispose(disposing);
    }

    protected override ValueTask DisposeAsyncCore()
    {
        CloseAll();
        return base.DisposeAsyncCore();
    }

    private SqliteLease Open(CancellationToken cancellationToken)
    {
        SqliteSession? session;
        int generation;
        lock (_gate)
        {
            _idle.TryPop(out session);
            generation = _generation;
        }

        return new SqliteLease(this, session ?? new SqliteSession(connectionString, generation), cancellationToken);
    }

    private void CloseAll()
    {
        Stack<SqliteSession> spent;
        lock (_gate)
        {
            _disposed = true;
            (spent, _idle) = (_idle, []);
        }

        Close(spent);
    }

    private static void Close(Stack<SqliteSession> sessions)
    {
        foreach (var session in sessions)
        {
            session.Dispose();
        }
    }
}
