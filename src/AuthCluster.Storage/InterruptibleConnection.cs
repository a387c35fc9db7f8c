using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AuthCluster.Storage;

/// <summary>
/// A connection to SQLite whose running statement ends when the token that it was opened with is cancelled. The driver itself
/// looks at tokens between statements only.
/// </summary>
internal sealed class InterruptibleConnection(string connectionString) : SqliteConnection(connectionString)
{
    private CancellationTokenRegistration _interruption;

    /// <summary>Interrupts what runs on this connection, while it is open, when the token is cancelled.</summary>
    public void InterruptOn(CancellationToken cancellationToken) =>
        _interruption = cancellationToken.UnsafeRegister(static connection => ((InterruptibleConnection)connection!).Interrupt(), this);

    /// <inheritdoc/>
    public override void Close()
    {
        // Waits for an interruption that is under way: the next user of the native connection must not meet it.
        _interruption.Dispose();
        base.Close();
    }

    private void Interrupt()
    {
        if (Handle is { } handle)
        {
            raw.sqlite3_interrupt(handle);
        }
    }
}
