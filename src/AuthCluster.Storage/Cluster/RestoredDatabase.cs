using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Storage.Cluster;

/// <summary>A silo that the membership table takes for living.</summary>
/// <param name="ClusterId">The cluster that it belongs to.</param>
/// <param name="Address">Its address and port.</param>
/// <param name="Name">Its name.</param>
/// <param name="LastAliveAt">When it last said so.</param>
public sealed record LivingSilo(string ClusterId, string Address, string Name, DateTimeOffset LastAliveAt);

/// <summary>
/// What has to be done to a database that was restored from a backup, or that a failover took back in time: tokens that were issued or
/// revoked since the backup are not in it, so none of the earlier ones may stay active.
/// </summary>
public sealed class RestoredDatabase(Database database)
{
    /// <summary>Orleans' number for a silo that was declared dead or has left.</summary>
    private const int Dead = 6;

    private readonly string _living = """
        select deployment_id, address, port, silo_name, i_am_alive_time from orleans_membership
        where status <> @Dead and i_am_alive_time > @Since
        order by deployment_id, address, port
        """;

    /// <summary>Silos that gave a sign of life since a time. SQLite has no membership: its file lock tells.</summary>
    public async Task<IReadOnlyList<LivingSilo>> LivingSilosAsync(DateTimeOffset since, CancellationToken cancellationToken = default) =>
        database.Provider == StorageProvider.Sqlite
            ? []
            : await database.ReadAsync(
                _living,
                new { Dead, Since = new StoredTime(since) },
                row => new LivingSilo(row.GetString(0), $"{row.GetString(1)}:{row.GetInt32(2)}", row.GetString(3), row.Time(4)),
                cancellationToken);

    /// <summary>
    /// Raises the generation floor by the clock, so that no token issued before stays active, and forgets the silos of the time of the
    /// backup. All of it in one transaction, while no process runs.
    /// </summary>
    /// <returns>The floor now; null when no node had ever started on this database, and there is nothing to end.</returns>
    public async Task<long?> MarkAsync(DateTimeOffset now, AuditEntry audit, CancellationToken cancellationToken = default)
    {
        var keys = new KeyMaterialStore(database);
        if (await keys.ReadAsync(cancellationToken) is null)
        {
            return null;
        }

        return await database.WriteAsync<long?>(
            async (connection, transaction) =>
            {
                if (database.Provider != StorageProvider.Sqlite)
                {
                    await Database.ExecuteAsync(connection, transaction, "delete from orleans_membership", null, cancellationToken);
                    await Database.ExecuteAsync(connection, transaction, "delete from orleans_membership_version", null, cancellationToken);
                }

                return await keys.RaiseFloorAsync(connection, transaction, now, audit, cancellationToken);
            },
            cancellationToken);
    }
}
