using System.Diagnostics;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using AuthCluster.TestKit;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AuthCluster.StorageTests;

/// <summary>What a caller learns, and how soon, when the database is away or in trouble.</summary>
public sealed class OutageTests(ITestOutputHelper output)
{
    private static readonly RevocationItem[] Items = [new(RevokedKind.Token, "orders", "jti", 1, Samples.Now)];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stopped_postgresql_is_told_at_once_and_is_used_again_when_it_is_back()
    {
        PostgresServer.Need();
        await using var server = await PostgresServer.StartAsync(fsync: false, Cancel);
        await using var database = await MigratedAsync(server);
        await new RevocationStore(database).AddAsync(Items, Cancel);

        await server.StopAsync();
        await FailsAsync("stopped", TimeSpan.FromSeconds(2), [StorageFault.Unavailable, StorageFault.OutcomeUnknown], () => new RevocationStore(database).AddAsync(Items, Cancel));
        await FailsAsync("stopped, asked again", TimeSpan.FromSeconds(2), [StorageFault.Unavailable], () => new CatalogueStore(database).CountEnabledAdminsAsync(Cancel));
        await server.StartAgainAsync(Cancel);

        await new RevocationStore(database).AddAsync(Items, Cancel);
    }

    [Fact]
    public async Task A_postgresql_that_hangs_costs_a_caller_its_time_out_and_no_more()
    {
        PostgresServer.Need();
        await using var server = await PostgresServer.StartAsync(fsync: false, Cancel);
        await using var database = await MigratedAsync(server);
        await new RevocationStore(database).AddAsync(Items, Cancel);

        await server.PauseAsync();
        await FailsAsync("hanging, open connection", TimeSpan.FromSeconds(6), [StorageFault.Unavailable], () => new RevocationStore(database).AddAsync(Items, Cancel));
        await FailsAsync("hanging, new connection", TimeSpan.FromSeconds(6), [StorageFault.Unavailable], () => new CatalogueStore(database).CountEnabledAdminsAsync(Cancel));
        await server.ContinueAsync();

        await new RevocationStore(database).AddAsync(Items, Cancel);
    }

    [Fact]
    public async Task A_session_that_postgresql_ends_leaves_the_outcome_unknown()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await using var connection = await under.Database.OpenAsync(Cancel);
        await using var sleep = connection.CreateCommand();
        sleep.CommandText = "select pg_sleep(30)";
        var asleep = sleep.ExecuteNonQueryAsync(Cancel);
        await Eventually.HoldsAsync("the session is asleep", TimeSpan.FromSeconds(5), EndAsync, Cancel);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => asleep);

        Assert.Equal(StorageFault.OutcomeUnknown, StorageFaults.Of(failure));

        async Task<bool> EndAsync() => (await under.QueryAsync<bool>(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%' and datname = current_database()")).Count > 0;
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_row_that_breaks_a_rule_is_rejected_and_not_taken_for_an_outage(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => new RevocationStore(under.Database).AddAsync(
            [new RevocationItem(RevokedKind.Token, new string('c', 201), "jti", 1, Samples.Now)], Cancel));

        Assert.Equal(StorageFault.Rejected, StorageFaults.Of(failure));
        Assert.False(StorageFaults.IsUnavailable(failure));
    }

    [Fact]
    public async Task A_sqlite_file_in_a_folder_that_is_not_there_is_unavailable()
    {
        await using var database = new Database(StorageProvider.Sqlite, "Data Source=/nowhere/at/all/x.db");

        var failure = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await database.OpenAsync(Cancel));

        Assert.IsType<SqliteException>(failure.InnerException);
        Assert.Equal(StorageFault.Unavailable, StorageFaults.Of(failure));
    }

    [Fact]
    public async Task A_sql_server_that_is_not_there_is_unavailable_within_its_time_out()
    {
        await using var database = new Database(StorageProvider.SqlServer, $"Server=127.0.0.1,{FreePorts.Take()};User Id=sa;Password=x;Encrypt=false");

        await FailsAsync("no SQL Server", TimeSpan.FromSeconds(6), [StorageFault.Unavailable], async () => await database.OpenAsync(Cancel));
    }

    [Fact]
    public void An_exception_that_storage_did_not_cause_is_no_storage_fault()
    {
        Assert.Equal(StorageFault.None, StorageFaults.Of(new InvalidOperationException()));
        Assert.Equal(StorageFault.None, StorageFaults.Of(new OperationCanceledException()));
        Assert.True(StorageFaults.IsOutcomeUnknown(new OperationCanceledException()));
    }

    [Fact]
    public void A_stored_value_that_only_a_newer_build_knows_is_a_fault_of_storage_and_no_outage()
    {
        var unknown = new InvalidDataException("The table signing_key holds the unknown state paused.");

        Assert.Equal(StorageFault.Rejected, StorageFaults.Of(unknown));
        Assert.True(StorageFaults.IsFault(unknown));
        Assert.False(StorageFaults.IsUnavailable(unknown));
    }

    [Theory]
    [InlineData("40001", StorageFault.Conflict)]
    [InlineData("40P01", StorageFault.Conflict)]
    [InlineData("23505", StorageFault.Conflict)]
    [InlineData("23514", StorageFault.Rejected)]
    [InlineData("42P01", StorageFault.Rejected)]
    [InlineData("57P03", StorageFault.Unavailable)]
    [InlineData("25006", StorageFault.Unavailable)]
    [InlineData("53000", StorageFault.Unavailable)]
    [InlineData("53200", StorageFault.Unavailable)]
    [InlineData("53300", StorageFault.Unavailable)]
    [InlineData("53400", StorageFault.Unavailable)]
    [InlineData("57P04", StorageFault.Unavailable)]
    [InlineData("42501", StorageFault.Rejected)]
    [InlineData("57P01", StorageFault.OutcomeUnknown)]
    [InlineData("08006", StorageFault.OutcomeUnknown)]
    public void Postgresqls_codes_are_sorted(string state, StorageFault fault) =>
        Assert.Equal(fault, StorageFaults.Of(new PostgresException("message", "ERROR", "ERROR", state)));

    [Theory]
    [InlineData(1205, 13, StorageFault.Conflict)]
    [InlineData(2627, 14, StorageFault.Conflict)]
    [InlineData(701, 17, StorageFault.Unavailable)]
    [InlineData(802, 17, StorageFault.Unavailable)]
    [InlineData(8645, 17, StorageFault.Unavailable)]
    [InlineData(845, 17, StorageFault.Unavailable)]
    [InlineData(1101, 17, StorageFault.Unavailable)]
    [InlineData(8628, 17, StorageFault.Unavailable)]
    [InlineData(1222, 16, StorageFault.Unavailable)]
    [InlineData(3961, 16, StorageFault.Conflict)]
    [InlineData(0, 11, StorageFault.OutcomeUnknown)]
    [InlineData(682, 18, StorageFault.OutcomeUnknown)]
    [InlineData(8651, 17, StorageFault.Unavailable)]
    [InlineData(1204, 19, StorageFault.Unavailable)]
    [InlineData(942, 14, StorageFault.Unavailable)]
    [InlineData(952, 16, StorageFault.Unavailable)]
    [InlineData(976, 14, StorageFault.Unavailable)]
    [InlineData(983, 14, StorageFault.Unavailable)]
    [InlineData(10928, 20, StorageFault.Unavailable)]
    [InlineData(10929, 20, StorageFault.Unavailable)]
    [InlineData(-2, 11, StorageFault.OutcomeUnknown)]
    [InlineData(823, 24, StorageFault.OutcomeUnknown)]
    [InlineData(229, 14, StorageFault.Rejected)]
    [InlineData(208, 16, StorageFault.Rejected)]
    public void Sql_servers_numbers_are_sorted(int number, int severity, StorageFault fault) =>
        Assert.Equal(fault, StorageFaults.OfSqlServer(number, severity));

    [Theory]
    [InlineData(5, StorageFault.Unavailable)]
    [InlineData(517, StorageFault.Conflict)]
    [InlineData(9, StorageFault.Unavailable)]
    [InlineData(15, StorageFault.Unavailable)]
    [InlineData(8, StorageFault.Unavailable)]
    [InlineData(10, StorageFault.OutcomeUnknown)]
    [InlineData(13, StorageFault.Unavailable)]
    [InlineData(19, StorageFault.Rejected)]
    [InlineData(1, StorageFault.Rejected)]
    public void Sqlites_codes_are_sorted(int code, StorageFault fault) =>
        Assert.Equal(fault, StorageFaults.Of(new SqliteException("message", code & 0xff, code)));

    [Theory]
    [InlineData("Microsoft.Data.SqlClient", StorageFault.OutcomeUnknown)]
    [InlineData("Npgsql", StorageFault.OutcomeUnknown)]
    [InlineData("Microsoft.Data.Sqlite", StorageFault.OutcomeUnknown)]
    [InlineData("AuthCluster.Storage", StorageFault.None)]
    public void An_exception_from_the_code_of_a_driver_is_a_fault_of_storage_whatever_its_type(string source, StorageFault fault)
    {
        Assert.Equal(fault, StorageFaults.Of(new InvalidCastException { Source = source }));
        Assert.Equal(fault, StorageFaults.Of(new InvalidOperationException { Source = source }));
        Assert.Equal(StorageFault.None, StorageFaults.Of(new OperationCanceledException { Source = source }));
    }

    [Fact]
    public async Task A_write_that_gets_no_connection_from_the_pool_is_known_not_to_have_begun()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await using var small = new Database(StorageProvider.PostgreSql, under.ConnectionString + ";Maximum Pool Size=1;Timeout=1");
        await using var only = await small.OpenAsync(Cancel);

        var failure = await Assert.ThrowsAsync<StorageUnavailableException>(() => new RevocationStore(small).AddAsync(Items, Cancel));

        Assert.Equal((1, false), (small.MaxConnections, failure.OutcomeUnknown));
        await new StorageProbe(under.Database).AnswerAsync(Cancel);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_probe_is_answered_also_while_somebody_holds_every_table(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await using var holder = await under.Database.OpenAsync(Cancel);
        await using var transaction = await holder.BeginTransactionAsync(Cancel);
        await using var hold = holder.CreateCommand();
        hold.Transaction = transaction;
#pragma warning disable CA2100 // One of the three constants.
        hold.CommandText = provider switch
        {
            StorageProvider.Sqlite => "update key_ring set version = version",
            StorageProvider.PostgreSql => "lock table key_ring, generation_floor, grain_state in access exclusive mode",
            _ => "select count(*) from key_ring with (tablockx, holdlock)",
        };
#pragma warning restore CA2100
        await hold.ExecuteNonQueryAsync(Cancel);

        await new StorageProbe(under.Database).AnswerAsync(Cancel);
    }

    private static async Task<Database> MigratedAsync(PostgresServer server)
    {
        var database = new Database(StorageProvider.PostgreSql, server.ConnectionStringOf("postgres"));
        await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel);
        return database;
    }

    private async Task FailsAsync(string what, TimeSpan within, StorageFault[] faults, Func<Task> work)
    {
        var start = Stopwatch.GetTimestamp();
        var failure = await Assert.ThrowsAnyAsync<Exception>(work);
        var elapsed = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"{what}: {StorageFaults.Of(failure)} after {elapsed.TotalMilliseconds:F0} ms");
        Assert.Contains(StorageFaults.Of(failure), faults);
        Assert.True(StorageFaults.IsUnavailable(failure));
        Assert.InRange(elapsed, TimeSpan.Zero, within);
    }
}
