using System.Data;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage.Sqlite;

/// <summary>A command that executes by the command of the same text which its session has prepared.</summary>
/// <remarks>All ways to execute a command of this driver lead through <see cref="ExecuteReader(CommandBehavior)"/>.</remarks>
internal sealed class PreparedCommand : SqliteCommand
{
    private readonly SqliteLease _lease;
    private readonly SqliteSession _session;
#pragma warning disable CA2213 // It goes back to the session, which disposes it.
    private SqliteCommand? _prepared;
#pragma warning restore CA2213
    private SqliteDataReader? _reader;
    private bool _disposed;

    public PreparedCommand(SqliteLease lease, SqliteSession session)
    {
        _lease = lease;
        _session = session;
        Connection = session.Connection;
    }

    public override SqliteDataReader ExecuteReader(CommandBehavior behavior)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_prepared?.CommandText != CommandText)
        {
            GiveBack();
            _prepared = _session.Take(CommandText);
        }

        _prepared.Transaction = Transaction;
        _prepared.CommandTimeout = CommandTimeout;
        _prepared.Parameters.Clear();
        foreach (SqliteParameter parameter in Parameters)
        {
            _prepared.Parameters.Add(parameter);
        }

        try
        {
            return _reader = _prepared.ExecuteReader(behavior);
        }
        catch
        {
            _session.HasFailed = true;
            throw;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _lease.Forget(this);
            GiveBack();
            base.Dispose(disposing);
        }
    }

    private void GiveBack()
    {
        _reader?.Dispose();
        _reader = null;
        if (_prepared is { } prepared)
        {
            _prepared = null;
            _session.Keep(prepared);
        }
    }
}
