using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>A database of one test with the table of silos, in PostgreSQL; gone when disposed.</summary>
internal sealed class MembershipTables : IAsyncDisposable
{
    private const string ClusterId = "test";

    private readonly PostgresServer _server;
    private readonly string _name;

    private MembershipTables(PostgresServer server, string name)
    {
        (_server, _name) = (server, name);
        Database = new Database(StorageProvider.PostgreSql, server.ConnectionStringOf(name));
        Store = new FenceStore(Database, ClusterId);
    }

    public Database Database { get; }

    public FenceStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes a database with a key ring and these silos.</summary>
    public static async Task<MembershipTables> CreateAsync(params SiloRow[] silos)
    {
        var server = await SharedPostgres.ServerAsync();
        var tables = new MembershipTables(server, await server.CreateDatabaseAsync(Cancellation));
        await new Migrator(tables.Database, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(Cancellation);
        await tables.ExecuteAsync("insert into key_ring (id, version) values (1, 1); insert into generation_floor (id, floor) values (1, 7)");
        foreach (var silo in silos)
        {
            await tables.InsertAsync(silo);
        }

        return tables;
    }

    public Task InsertAsync(SiloRow silo) => ExecuteAsync(
        """
        insert into orleans_membership
            (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time, dead_at, outage_grace_ms)
        values
            (@ClusterId, @Address, @Port, @Generation, @Name, 'host', @Status, 30000, now(), now(),
            clock_timestamp() - @DeadFor::interval, @Grace)
        """,
        new { ClusterId, silo.Address, silo.Port, silo.Generation, silo.Name, silo.Status, silo.DeadFor, Grace = (long?)silo.OutageGrace?.TotalMilliseconds });

    /// <summary>Whether a column of a silo's row holds a value.</summary>
    public async Task<bool> HasAsync(string column, SiloRow silo) => await ReadAsync<int>(
        $"select count({column}) from orleans_membership where address = @Address and port = @Port and generation = @Generation",
        new { silo.Address, silo.Port, silo.Generation }) == 1;

    /// <summary>Reads one value by SQL of the test's own.</summary>
    public async Task<T?> ReadAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(Cancellation);
        return await connection.ExecuteScalarAsync<T>(sql, parameters);
    }

    /// <summary>Runs SQL of the test's own.</summary>
    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(Cancellation);
        await connection.ExecuteAsync(sql, parameters);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _server.DropDatabaseAsync(_name, CancellationToken.None);
    }
}
