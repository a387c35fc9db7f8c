using System.Data.Common;
using AuthCluster.Storage.Admin;
using Dapper;

namespace AuthCluster.Storage.Cluster;

/// <summary>
/// Reads which silos may decide, and how old the keys and the floor are; writes when a silo died, when it ended, and how long it goes on without
/// the database. All of one cluster. With SQLite there is no membership: there are no silos to read, and the writes do nothing.
/// </summary>
/// <remarks>
/// <see cref="Open"/> and <see cref="Read"/> are the only synchronous work with a server database. They keep a silo's right to decide, so they run
/// on a thread of their own: where the thread pool is starved, a silo that answers late would otherwise also lose that right.
/// On Linux .NET now and then gives the pool an event of a socket for which a thread waits. With a starved pool on an overloaded machine, one of
/// 35,000 readings from PostgreSQL waited for its time-out for this reason, and three of 120 openings. So the connection stays open.
/// Each write goes to the database whole, as one statement or as several at once: a process that hangs then holds no lock for which the readings of all
/// silos would wait on SQL Server. So does a raise of the floor. Each may be repeated. Changes of keys take several round trips.
/// </remarks>
/// <param name="database">The database; one with a pool of its own for the membership.</param>
/// <param name="clusterId">Orleans' cluster id. Rows of other clusters are neither read nor written.</param>
public sealed class FenceStore(Database database, string clusterId)
{
    private const string EndedSilo = """
        from orleans_membership
        where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation and status = 6 and ended_at is not null
        """;

    // Orleans' SiloStatus: 6 is dead. A death matters for 25 hours, as in the clean-up of the membership: no silo goes on for that long.
    // SQL Server reads the version of the ring before and after the floor, since a raise of the floor may commit between the two. A lock
    // that keeps the ring as it is would wait for changes of keys, under READ_COMMITTED_SNAPSHOT too. The silos are read as
    // MembershipReadAllKey reads them: the row of the version first, whose lock lets nobody change a silo until the reading is done.
    private readonly string _read = database.Sql(
        sqlite: """
            select r.version, f.floor, 1 as is_whole, null as address
            from key_ring r cross join generation_floor f
            where r.id = 1 and f.id = 1
            """,
        postgreSql: """
            select
                r.version, f.floor, 1 as is_whole, m.address, m.port, m.generation, m.silo_name, m.status,
                (extract(epoch from statement_timestamp() - m.dead_at) * 1000000)::bigint as dead_for,
                case when m.ended_at is null then 0 else 1 end as has_ended, m.outage_grace_ms
            from key_ring r
            cross join generation_floor f
            left join orleans_membership m
                on m.deployment_id = @ClusterId and (m.status <> 6 or (m.ended_at is null
                    and (m.dead_at is null or m.dead_at > statement_timestamp() - interval '25 hours')))
            where r.id = 1 and f.id = 1
            """,
        sqlServer: """
            select
                r.version, f.floor, case when again.version = r.version then 1 else 0 end as is_whole,
                m.address, m.port, m.generation, m.silo_name, m.status,
                datediff_big(microsecond, m.dead_at, sysutcdatetime()) as dead_for,
                case when m.ended_at is null then 0 else 1 end as has_ended, m.outage_grace_ms
            from key_ring r
            inner join generation_floor f on f.id = r.id
            inner join key_ring again on again.id = f.id
            left join orleans_membership_version v with (repeatableread) on v.deployment_id = @ClusterId
            left join orleans_membership m with (readcommittedlock)
                on m.deployment_id = v.deployment_id and (m.status <> 6 or (m.ended_at is null
                    and (m.dead_at is null or m.dead_at > dateadd(hour, -25, sysutcdatetime()))))
            where r.id = 1
            option (force order, loop join)
            """);

    // SQL Server reads the clock before it waits for a locked row. If that row then becomes dead, its stamp would be older than its death. So
    // locked rows are left to a later call.
    private readonly string _stampDeaths = database.Sql(
        others: "update orleans_membership set dead_at = clock_timestamp() where deployment_id = @ClusterId and status = 6 and dead_at is null",
        sqlServer: """
            update orleans_membership with (readcommittedlock, readpast)
            set dead_at = sysutcdatetime()
            where deployment_id = @ClusterId and status = 6 and dead_at is null
            """);

    private readonly string _stateGrace = """
        update orleans_membership
        set outage_grace_ms = @Grace
        where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation
        """;

    private readonly string _markEnded = MarkEnded(database);

    private readonly string _vouchEnded = database.AtOnce(
        MarkEnded(database),
        AuditStore.InsertWhere(database, $"exists (select 1 {EndedSilo})"),
        $"select cast(count(*) as bigint) {EndedSilo}");

    private readonly string _markOwnEnded = database.Sql(
        others: """
            update orleans_membership
            set ended_at = coalesce(ended_at, clock_timestamp()), dead_at = coalesce(dead_at, clock_timestamp())
            where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation
            """,
        sqlServer: """
            update orleans_membership
            set ended_at = coalesce(ended_at, sysutcdatetime()), dead_at = coalesce(dead_at, sysutcdatetime())
            where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation
            """);

    /// <summary>Opens a connection for <see cref="Read"/>, in the caller's thread; the caller disposes it.</summary>
    /// <exception cref="StorageUnavailableException">The database can't be reached.</exception>
    public DbConnection Open() => database.DataSource.OpenConnection();

    /// <summary>Reads in the caller's thread, on a connection that the caller holds open.</summary>
    /// <param name="connection">From <see cref="Open"/>. After an exception the caller opens another.</param>
    /// <param name="timeoutSeconds">
    /// How long the statement may take, in seconds. Where the server hangs, the driver then needs some seconds more, as <see cref="Database"/> tells:
    /// a caller with a shorter deadline must not count on this call to return.
    /// </param>
    /// <returns>The reading; null when no node has ever started on this database.</returns>
    /// <exception cref="StorageUnavailableException">The database did not answer.</exception>
    public FenceReading? Read(DbConnection connection, int timeoutSeconds)
    {
        List<FenceRow> rows;
        do
        {
            rows = Database.Read(connection, _read, new { ClusterId = clusterId }, FenceRow.Of, timeoutSeconds);
        }
        while (!FenceRow.AreWhole(rows));

        return FenceRow.ReadingOf(rows);
    }

    /// <summary>Reads the same on a connection of the pool.</summary>
    /// <returns>The reading; null when no node has ever started on this database.</returns>
    /// <exception cref="StorageUnavailableException">The database can't be reached, or did not answer.</exception>
    public async Task<FenceReading?> ReadAsync(CancellationToken cancellationToken = default)
    {
        List<FenceRow> rows;
        do
        {
            rows = await database.ReadAsync(_read, new { ClusterId = clusterId }, FenceRow.Of, cancellationToken);
        }
        while (!FenceRow.AreWhole(rows));

        return FenceRow.ReadingOf(rows);
    }

    /// <summary>Stamps the deaths that an older build declared, by the database's clock. A silo that is being declared dead now may be left out.</summary>
    public Task StampDeathsAsync(CancellationToken cancellationToken = default) =>
        ChangeAsync(_stampDeaths, new { ClusterId = clusterId }, cancellationToken);

    /// <summary>Writes how long a silo goes on deciding without the database, in whole milliseconds, rounded up. Each silo writes its own.</summary>
    /// <param name="address">The silo's IP address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="grace">How long.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task StateGraceAsync(string address, int port, int generation, TimeSpan grace, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            _stateGrace,
            new { ClusterId = clusterId, Address = address, Port = port, Generation = generation, Grace = (long)Math.Ceiling(grace.TotalMilliseconds) },
            cancellationToken);

    /// <summary>Writes that the process of a dead silo has ended. The first time stays.</summary>
    /// <param name="address">The silo's IP address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the silo is dead and has ended; false when it is not declared dead, or has no row: nothing was written.</returns>
    public async Task<bool> MarkEndedAsync(string address, int port, int generation, CancellationToken cancellationToken = default) =>
        await ChangeAsync(_markEnded, KeyOf(address, port, generation), cancellationToken) == 1;

    /// <summary>
    /// Stores the word of an operator that the process of a dead silo has ended, with its audit entry in the same transaction.
    /// </summary>
    /// <param name="address">The silo's IP address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="audit">The entry that tells of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the silo is dead and counts as ended now; nothing is written otherwise.</returns>
    public async Task<bool> VouchEndedAsync(string address, int port, int generation, AuditEntry audit, CancellationToken cancellationToken = default)
    {
        if (database.Provider == StorageProvider.Sqlite)
        {
            return false;
        }

        var parameters = new DynamicParameters(AuditStore.ParametersOf(audit));
        parameters.AddDynamicParams(KeyOf(address, port, generation));
        return await database.WriteAtOnceAsync(_vouchEnded, parameters, row => row.GetInt64(0), cancellationToken) is [1];
    }

    /// <summary>
    /// Writes that a silo has ended, whether it was declared dead or not, and stamps its death if nobody did. For a silo that ends cleanly, of
    /// itself.
    /// </summary>
    /// <param name="address">The silo's IP address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task MarkOwnEndedAsync(string address, int port, int generation, CancellationToken cancellationToken = default) =>
        ChangeAsync(_markOwnEnded, KeyOf(address, port, generation), cancellationToken);

    private static string MarkEnded(Database database) => database.Sql(
        others: """
            update orleans_membership
            set ended_at = coalesce(ended_at, clock_timestamp())
            where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation and status = 6
            """,
        sqlServer: """
            update orleans_membership
            set ended_at = coalesce(ended_at, sysutcdatetime())
            where deployment_id = @ClusterId and address = @Address and port = @Port and generation = @Generation and status = 6
            """);

    private object KeyOf(string address, int port, int generation) =>
        new { ClusterId = clusterId, Address = address, Port = port, Generation = generation };

    private Task<int> ChangeAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        database.Provider == StorageProvider.Sqlite ? Task.FromResult(0) : database.ExecuteAloneAsync(sql, parameters, cancellationToken);
}
