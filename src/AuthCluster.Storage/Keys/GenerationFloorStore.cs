using System.Data.Common;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Keys;

/// <summary>The generation floor of the cluster: a token below it is dead. Always within a transaction of others.</summary>
internal sealed class GenerationFloorStore(Database database)
{
    /// <summary>By how much a raise of the floor goes beyond the old one at least: more than any client's own count reaches in a second.</summary>
    private const long FloorStep = 1L << 20;

    private readonly AuditStore _audit = new(database);

    private readonly RevocationStore _revocations = new(database);

    private readonly string _insert = "insert into generation_floor (id, floor) values (1, @Floor)";

    private readonly string _raise = database.Sql(
        sqlite: "update generation_floor set floor = max(floor + @Step, @Wanted) where id = 1 returning floor",
        postgreSql: "update generation_floor set floor = greatest(floor + @Step, @Wanted) where id = 1 returning floor",
        sqlServer: """
            update generation_floor
            set floor = case when floor + @Step > @Wanted then floor + @Step else @Wanted end
            output inserted.floor
            where id = 1
            """);

    private readonly string _moveRing = database.Sql(
        others: "update key_ring set version = version + 1 where id = 1 returning version",
        sqlServer: "update key_ring set version = version + 1 output inserted.version where id = 1");

    private readonly string _read = "select floor from generation_floor where id = 1";

    /// <summary>Stores the first floor: 2^20 × now, in seconds.</summary>
    public Task<int> InsertAsync(DbConnection connection, DbTransaction transaction, DateTimeOffset now, CancellationToken cancellationToken) =>
        Database.ExecuteAsync(connection, transaction, _insert, new { Floor = FloorStep * now.ToUnixTimeSeconds() }, cancellationToken);

    /// <summary>The floor.</summary>
    public Task<long> ReadAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken) =>
        Database.ScalarAsync<long>(connection, transaction, _read, null, cancellationToken);

    /// <summary>
    /// Raises the floor to max(old + 2^20, 2^20 × now), and puts it in the feed. With an audit entry it is done once, however often it is asked
    /// for with the same one. The ring's version moves each time, also then: whoever holds an older version must look again.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="transaction">The transaction of which this is a part.</param>
    /// <param name="now">The time of the clock.</param>
    /// <param name="maxTokenLifetime">How long the feed tells of it: no token lives longer.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The ring's version and the floor now.</returns>
    public async Task<KeyRingVersion> RaiseAsync(
        DbConnection connection, DbTransaction transaction, DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry? audit, CancellationToken cancellationToken)
    {
        // The ring first, as every change of it does: a second writer waits here, and no two wait for each other.
        var version = await Database.ScalarAsync<long?>(connection, transaction, _moveRing, null, cancellationToken)
            ?? throw new InvalidOperationException("There is no key ring yet: no node has ever started on this database.");
        if (audit is not null && await _audit.AddAsync(connection, transaction, [audit], cancellationToken) == 0)
        {
            return new KeyRingVersion(version, await ReadAsync(connection, transaction, cancellationToken));
        }

        var wanted = new { Step = FloorStep, Wanted = FloorStep * now.ToUnixTimeSeconds() };
        var floor = await Database.ScalarAsync<long>(connection, transaction, _raise, wanted, cancellationToken);
        var item = new RevocationItem(RevokedKind.All, "", RevocationItem.Everything, floor, now + maxTokenLifetime);
        await _revocations.AddAsync(connection, transaction, [item], cancellationToken);
        return new KeyRingVersion(version, floor);
    }
}
