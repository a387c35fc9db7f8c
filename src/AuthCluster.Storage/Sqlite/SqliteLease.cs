using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage.Sqlite;

/// <summary>One use of a session: an open connection whose closing gives the session back.</summary>
/// <remarks>
/// The token that opened it also interrupts its statements, as long as it is open; the driver itself checks tokens between statements only.
/// </remarks>
internal sealed class SqliteLease : DbConnection
{
    private readonly SqliteDataSource _source;
    private readonly CancellationTokenRegistration _interruption;
    private readonly List<PreparedCommand> _commands = [];
    private SqliteTransaction? _transaction;
    private SqliteSession? _session;

    public SqliteLease(SqliteDataSource source, SqliteSession session, CancellationToken cancellationToken)
    {
        _source = source;
        _session = session;
        _interruption = cancellationToken.UnsafeRegister(static session => ((SqliteSession)session!).Interrupt(), session);
    }

    /// <summary>The driver's connection.</summary>
    public SqliteConnection Connection => Session.Connection;

    [AllowNull]
    public override string ConnectionString
    {
        get => _source.ConnectionString;
        set => throw new NotSupportedException("The connection is open.");
    }

    public override string Database => Connection.Database;

    public override string DataSource => Connection.DataSource;

    public override string ServerVersion => Connection.ServerVersion;

    public override ConnectionState State => _session is null ? ConnectionState.Closed : ConnectionState.Open;

    /// <summary>The transaction that was begun and has not ended; the driver takes its connection away when it ends.</summary>
    private SqliteTransaction? OpenTransaction => _transaction is { Connection: not null } open ? open : null;

    private SqliteSession Session => _session ?? throw new InvalidOperationException("The connection is closed.");

    /// <summary>Begins a transaction that takes the write lock only when it writes.</summary>
    public SqliteTransaction BeginDeferredTransaction() => Begin(connection => connection.BeginTransaction(deferred: true));

    public override void ChangeDatabase(string databaseName) => Connection.ChangeDatabase(databaseName);

    public override void Open() => throw new NotSupportedException("A closed connection is not opened again.");

    public override void Close()
    {
        if (Interlocked.Exchange(ref _session, null) is not { } session)
        {
            return;
        }

        try
        {
            // Not all callers dispose their commands.
            foreach (var command in _commands.ToArray())
            {
                command.Dispose();
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The caller has its results already: drop the session, and hide the failure.
            session.HasFailed = true;
        }

        // Waits for a running interruption: it must not hit the session's next user.
        _interruption.Dispose();
        session.HasFailed |= OpenTransaction is not null;
        _source.GiveBack(session);
    }

    /// <summary>Forgets a command that is disposed.</summary>
    internal void Forget(PreparedCommand command) => _commands.Remove(command);

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
        Begin(connection => connection.BeginTransaction(isolationLevel));

    protected override DbCommand CreateDbCommand()
    {
        var command = new PreparedCommand(this, Session) { Transaction = OpenTransaction };
        _commands.Add(command);
        return command;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Close();
        }

        base.Dispose(disposing);
    }

    private SqliteTransaction Begin(Func<SqliteConnection, SqliteTransaction> begin)
    {
        try
        {
            return _transaction = begin(Connection);
        }
        catch
        {
            Session.HasFailed = true;
            throw;
        }
    }
}
