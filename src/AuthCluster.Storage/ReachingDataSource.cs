using System.Data.Common;

namespace AuthCluster.Storage;

/// <summary>
/// Opens connections. Tells a database that can't be reached, where nothing was written, from one that did not answer a statement, where nobody
/// knows.
/// </summary>
internal sealed class ReachingDataSource(DbDataSource inner) : DbDataSource
{
    public override string ConnectionString => inner.ConnectionString;

    protected override DbConnection CreateDbConnection() => inner.CreateConnection();

    protected override DbConnection OpenDbConnection()
    {
        try
        {
            return inner.OpenConnection();
        }
        catch (Exception e) when (StorageFaults.IsOpeningFailure(e))
        {
            throw new StorageUnavailableException("The database could not be reached.", e);
        }
    }

    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await inner.OpenConnectionAsync(cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new CanceledBeforeWriteException("The connection to the database was waited for in vain.", e);
        }
        catch (Exception e) when (StorageFaults.IsOpeningFailure(e))
        {
            throw new StorageUnavailableException("The database could not be reached.", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    protected override async ValueTask DisposeAsyncCore()
    {
        await inner.DisposeAsync();
        await base.DisposeAsyncCore();
    }
}
