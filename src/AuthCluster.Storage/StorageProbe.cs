namespace AuthCluster.Storage;

/// <summary>Asks the database for a sign of life.</summary>
/// <remarks>
/// It touches no table, since a lock that somebody holds on one is no outage. Give it a database with a pool of its own, since
/// connections that hang elsewhere are none either.
/// </remarks>
public sealed class StorageProbe(Database database)
{
    // SQLite reads this from the file; a constant would be answered without it.
    private readonly string _ask = database.Sql(sqlite: "pragma schema_version", postgreSql: "select 1", sqlServer: "select 1");

    /// <summary>Returns when the database has answered.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public Task AnswerAsync(CancellationToken cancellationToken = default) =>
        database.ReadAsync(connection => Database.ScalarAsync<int>(connection, null, _ask, null, cancellationToken), cancellationToken);
}
