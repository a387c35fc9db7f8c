using System.Data.Common;
using System.Diagnostics;
using AuthCluster.Contracts.Admin;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using AuthCluster.StorageTests.Clients;
using Dapper;
using Microsoft.Data.SqlClient;
using Npgsql;

namespace AuthCluster.StorageTests;

public sealed class DatabaseTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_sqlite_connection_syncs_each_commit_and_logs_ahead()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        await using var first = await under.Database.OpenAsync(Cancel);
        await using var second = await under.Database.OpenAsync(Cancel);

        foreach (var connection in new[] { first, second })
        {
            Assert.Equal(2L, await ScalarAsync(connection, "pragma synchronous"));
            Assert.Equal("wal", await ScalarAsync(connection, "pragma journal_mode"));
            Assert.Equal(3000L, await ScalarAsync(connection, "pragma busy_timeout"));
            Assert.Equal(1L, await ScalarAsync(connection, "pragma foreign_keys"));
        }
    }

    [Fact]
    public async Task Writers_at_once_to_sqlite_all_get_their_turn_soon()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        var writes = new ClientWrites(under.Database);
        var start = Stopwatch.GetTimestamp();

        var waits = await Task.WhenAll(Enumerable.Range(0, 200).Select(n => Task.Run(async () =>
        {
            await writes.TellAsync(new ClientRows([Samples.Audit($"a-{n}")], Samples.Client($"c-{n}"), []));
            return Stopwatch.GetElapsedTime(start);
        })));

        var total = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"200 writes in {total.TotalMilliseconds:F0} ms ({200 / total.TotalSeconds:F0}/s), the slowest after {waits.Max().TotalMilliseconds:F0} ms");
        Assert.Equal(200, (await new CatalogueStore(under.Database).PageAsync(new ListClientsQuery(null, null, null, 1_000), Cancel)).Items.Count);
    }

    [Fact]
    public async Task A_reader_of_sqlite_does_not_wait_for_a_writer()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        await using var connection = await under.Database.OpenAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var start = Stopwatch.GetTimestamp();

        await new CatalogueStore(under.Database).PageAsync(new ListClientsQuery(null, null, null, 10), Cancel);

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 2);
    }

    [Fact]
    public async Task Writers_to_a_server_database_take_no_turns()
    {
        await using var database = new Database(StorageProvider.PostgreSql, "Host=nowhere.invalid");

        using var first = await database.EnterWriteAsync(Cancel);
        using var second = await database.EnterWriteAsync(Cancel);

        Assert.Equal(first, second);
    }

    [Fact]
    public async Task Sqlite_has_one_writer_at_a_time_and_a_waiting_writer_can_cancel()
    {
        await using var database = new Database(StorageProvider.Sqlite, "Data Source=unused.db");
        var first = await database.EnterWriteAsync(Cancel);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await database.EnterWriteAsync(patience.Token));
        first.Dispose();

        (await database.EnterWriteAsync(Cancel)).Dispose();
    }

    [Fact]
    public async Task Time_outs_that_the_operator_did_not_give_are_set()
    {
        await using var postgreSql = new Database(StorageProvider.PostgreSql, "Host=a");
        await using var sqlServer = new Database(StorageProvider.SqlServer, "Server=a");

        var npgsql = new NpgsqlConnectionStringBuilder(postgreSql.DataSource.ConnectionString);
        Assert.Equal((2, 3, 500), (npgsql.Timeout, npgsql.CommandTimeout, npgsql.CancellationTimeout));
        var sqlClient = new SqlConnectionStringBuilder(sqlServer.DataSource.ConnectionString);
        Assert.Equal((3, 3, PoolBlockingPeriod.NeverBlock), (sqlClient.ConnectTimeout, sqlClient.CommandTimeout, sqlClient.PoolBlockingPeriod));
    }

    [Fact]
    public async Task Time_outs_that_the_operator_gave_are_kept()
    {
        await using var postgreSql = new Database(StorageProvider.PostgreSql, "Host=a;Timeout=9;Command Timeout=8;Application Name=mine");
        await using var sqlServer = new Database(StorageProvider.SqlServer, "Server=a;Connect Timeout=9;Command Timeout=8");

        var npgsql = new NpgsqlConnectionStringBuilder(postgreSql.DataSource.ConnectionString);
        Assert.Equal((9, 8, "mine"), (npgsql.Timeout, npgsql.CommandTimeout, npgsql.ApplicationName));
        var sqlClient = new SqlConnectionStringBuilder(sqlServer.DataSource.ConnectionString);
        Assert.Equal((9, 8), (sqlClient.ConnectTimeout, sqlClient.CommandTimeout));
    }

    [Theory]
    [InlineData("Server=a")]
    [InlineData("Server=a;Max Pool Size=8")]
    [InlineData("Server=a;Max Pool Size=50;Min Pool Size=20")]
    public async Task Membership_on_sql_server_has_another_connection_string_and_so_a_pool_of_its_own(string connectionString)
    {
        await using var grains = new Database(StorageProvider.SqlServer, connectionString);
        await using var membership = Database.ForMembership(StorageProvider.SqlServer, connectionString);

        Assert.NotEqual(grains.DataSource.ConnectionString, membership.DataSource.ConnectionString);
        // The driver refuses a minimum size above the maximum when it creates the pool.
        var pool = new SqlConnectionStringBuilder(membership.DataSource.ConnectionString);
        Assert.InRange(pool.MaxPoolSize, 8, 9);
        Assert.Equal(0, pool.MinPoolSize);
        // Sessions are counted by this name.
        Assert.Equal("authcluster", pool.ApplicationName);
    }

    [Fact]
    public async Task Membership_on_postgresql_is_reached_when_the_grains_have_taken_all_of_their_connections()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var connectionString = under.ConnectionString + ";Maximum Pool Size=1";
        await using var grains = new Database(StorageProvider.PostgreSql, connectionString);
        await using var membership = Database.ForMembership(StorageProvider.PostgreSql, connectionString);
        await using var only = await grains.OpenAsync(Cancel);

        await using var another = await membership.OpenAsync(Cancel);

        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await grains.OpenAsync(Cancel));
    }

    [Theory]
    [InlineData(StorageProvider.Sqlite, "")]
    [InlineData(StorageProvider.Sqlite, "Data Source=:memory:")]
    [InlineData(StorageProvider.Sqlite, "Nonsense=1")]
    [InlineData(StorageProvider.PostgreSql, "Nonsense=1")]
    [InlineData(StorageProvider.SqlServer, "Nonsense=1")]
    public void A_connection_string_that_cannot_be_used_is_refused_when_it_is_given(StorageProvider provider, string connectionString) =>
        Assert.ThrowsAny<ArgumentException>(() => new Database(provider, connectionString));

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_usual_database_keeps_what_it_acknowledges(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        await DurabilityCheck.RunAsync(under.Database, Cancel);
    }

    [Theory]
    [InlineData("synchronous_commit", "off", "synchronous_commit")]
    [InlineData("default_transaction_read_only", "on", "read-only")]
    public async Task A_postgresql_that_would_lose_or_refuse_writes_is_refused_in_one_sentence(string setting, string value, string names)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var name = new NpgsqlConnectionStringBuilder(under.ConnectionString).Database;
        await under.ExecuteAsync($"alter database {name} set {setting} = {value}");
        await using var database = new Database(StorageProvider.PostgreSql, under.ConnectionString + ";Application Name=another pool");

        var refused = await Assert.ThrowsAsync<DurabilityException>(() => DurabilityCheck.RunAsync(database, Cancel));

        Assert.Contains(names, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task A_sqlite_database_that_is_read_only_is_refused_in_one_sentence()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        await using var database = new Database(StorageProvider.Sqlite, under.ConnectionString + ";Mode=ReadOnly");

        var refused = await Assert.ThrowsAsync<DurabilityException>(() => DurabilityCheck.RunAsync(database, Cancel));

        Assert.Contains(under.Database.SqliteFile!, refused.Message, StringComparison.Ordinal);
    }

    private static Task<object?> ScalarAsync(DbConnection connection, string sql) =>
        connection.ExecuteScalarAsync(new CommandDefinition(sql, cancellationToken: Cancel));
}
