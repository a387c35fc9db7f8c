using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Storage.Cluster;

/// <summary>
/// What has to be done to a database that was restored from a backup, or that a failover took back in time: tokens that were issued or
/// revoked since the backup are not in it, so none of the earlier ones may stay active.
/// </summary>
public sealed class RestoredDatabase(Database database)
{
    private readonly KeyMaterialStore _keys = new(database);

    private readonly GenerationFloorStore _floor = new(database);

    private readonly MembershipStore _membership = new(database);

    /// <summary>Raises the generation floor by the clock, so that no token issued before stays active. Works in one transaction.</summary>
    /// <param name="now">The time of the clock.</param>
    /// <param name="maxTokenLifetime">How long the feed tells of it: no token lives longer.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="forgetSilos">
    /// Whether to forget the silos of the time of the backup. Not while processes run: a silo that finds its own row gone ends.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The floor now; null when no node had ever started on this database, and there is nothing to end.</returns>
    public async Task<long?> MarkAsync(
        DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry audit, bool forgetSilos, CancellationToken cancellationToken = default)
    {
        if (await _keys.ReadVersionAsync(cancellationToken) is null)
        {
            return null;
        }

        return await database.WriteAsync<long?>(
            async (connection, transaction) =>
            {
                // The key ring's row is locked before any other, as by all who change it.
                var raised = await _floor.RaiseAsync(connection, transaction, now, maxTokenLifetime, audit, cancellationToken);
                if (forgetSilos)
                {
                    await _membership.ClearAsync(connection, transaction, cancellationToken);
                }

                return raised.Floor;
            },
            cancellationToken);
    }
}
