using System.Data.Common;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;
using Dapper;

namespace AuthCluster.Storage.Keys;

/// <summary>The generation floor of the cluster: a token below it is dead.</summary>
internal sealed class GenerationFloorStore(Database database)
{
    /// <summary>By how much a raise of the floor goes beyond the old one at least: more than any client's own count reaches in a second.</summary>
    private const long FloorStep = 1L << 20;

    private const string IsNew = "not exists (select 1 from audit where audit_id = @AuditId)";

    private readonly string _insert = "insert into generation_floor (id, floor) values (1, @Floor)";

    // The ring first, as every change of it does: a second writer waits here, and no two wait for each other. The audit last: what comes before asks
    // whether it has the entry already.
    private readonly string _raise = database.AtOnce(
        "update key_ring set version = version + 1 where id = 1",
        database.Sql(
            sqlite: $"update generation_floor set floor = max(floor + @Step, @Wanted) where id = 1 and {IsNew}",
            postgreSql: $"update generation_floor set floor = greatest(floor + @Step, @Wanted) where id = 1 and {IsNew}",
            sqlServer: $"""
                update generation_floor
                set floor = case when floor + @Step > @Wanted then floor + @Step else @Wanted end
                where id = 1 and {IsNew}
                """),
        RevocationStore.TakeTurn(database),
        $"""
        insert into revocation (kind, client_id, value, gen, expires_at)
        select '{RevocationStore.NameOf(RevokedKind.All)}', '', '{RevocationItem.Everything}', floor, @ExpiresAt
        from generation_floor
        where id = 1 and {IsNew}
        """,
        AuditStore.InsertWhere(database, "exists (select 1 from key_ring where id = 1)"),
        "select r.version, f.floor from key_ring r cross join generation_floor f where r.id = 1 and f.id = 1");

    private readonly string _read = "select floor from generation_floor where id = 1";

    /// <summary>Stores the first floor: 2^20 × now, in seconds.</summary>
    public Task<int> InsertAsync(DbConnection connection, DbTransaction transaction, DateTimeOffset now, CancellationToken cancellationToken) =>
        Database.ExecuteAsync(connection, transaction, _insert, new { Floor = FloorStep * now.ToUnixTimeSeconds() }, cancellationToken);

    /// <summary>The floor.</summary>
    public Task<long> ReadAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken) =>
        Database.ScalarAsync<long>(connection, transaction, _read, null, cancellationToken);

    /// <summary>
    /// Raises the floor to max(old + 2^20, 2^20 × now), and puts it in the feed. It is done once, however often it is asked for with the same audit
    /// entry. The ring's version moves each time: whoever holds an older version must look again.
    /// </summary>
    /// <param name="now">The time of the clock.</param>
    /// <param name="maxTokenLifetime">How long the feed tells of it: no token lives longer.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The ring's version and the floor now.</returns>
    public async Task<KeyRingVersion> RaiseAsync(DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry audit, CancellationToken cancellationToken) =>
        Raised(await database.WriteAtOnceAsync(_raise, ParametersOf(now, maxTokenLifetime, audit), VersionOf, cancellationToken));

    /// <summary>The same within a transaction.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="transaction">The transaction of which this is a part.</param>
    /// <param name="now">The time of the clock.</param>
    /// <param name="maxTokenLifetime">How long the feed tells of it: no token lives longer.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The ring's version and the floor now.</returns>
    public async Task<KeyRingVersion> RaiseAsync(
        DbConnection connection, DbTransaction transaction, DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry audit, CancellationToken cancellationToken) =>
        Raised(await Database.ReadAsync(connection, transaction, _raise, ParametersOf(now, maxTokenLifetime, audit), VersionOf, cancellationToken));

    private static DynamicParameters ParametersOf(DateTimeOffset now, TimeSpan maxTokenLifetime, AuditEntry audit)
    {
        var parameters = new DynamicParameters(AuditStore.ParametersOf(audit));
        parameters.AddDynamicParams(new
        {
            Step = FloorStep,
            Wanted = FloorStep * now.ToUnixTimeSeconds(),
            ExpiresAt = new StoredTime(now + maxTokenLifetime),
        });
        return parameters;
    }

    private static KeyRingVersion VersionOf(DbDataReader row) => new(row.GetInt64(0), row.GetInt64(1));

    private static KeyRingVersion Raised(List<KeyRingVersion> rows) => rows is [var version]
        ? version
        : throw new InvalidOperationException("There is no key ring yet: no node has ever started on this database.");
}
