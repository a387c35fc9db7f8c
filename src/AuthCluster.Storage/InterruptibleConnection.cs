using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AuthCluster.Storage;

/// <summary>
/// A connection to SQLite whose running statement ends when the connection's token is cancelled. The driver itself checks tokens between
/// statements only.
/// </summary>
internal sealed class InterruptibleConnection(string connectionString) : SqliteConnection(connectionString)
{
    private CancellationTokenRegistration _interruption;

    /// <summary>Interrupts the running statement when the token is cancelled, as long as the connection is open.</summary>
    public void InterruptOn(CancellationToken cancellationToken) =>
        _interruption = cancellationToken.UnsafeRegister(static connection => ((InterruptibleConnection)connection!).Interrupt(), this);

    /// <inheritdoc/>
    public override void Close()
    {
        // Waits for a running interruption: it must not hit the next user of the native connection.
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
