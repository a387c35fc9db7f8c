namespace AuthCluster.Storage.Cluster;

/// <summary>The time as the database's own clock has it.</summary>
public sealed class DatabaseClock(Database database)
{
    private readonly string _ask = database.Sql(others: "select clock_timestamp()", sqlServer: "select sysutcdatetime()");

    /// <summary>Reads the clock, UTC; null for SQLite, which has no clock but that of this machine.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public async Task<DateTimeOffset?> ReadAsync(CancellationToken cancellationToken = default) =>
        database.Provider == StorageProvider.Sqlite ? null : (await database.ReadAsync(_ask, null, row => row.Time(0), cancellationToken))[0];
}
