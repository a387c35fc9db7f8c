using System.Data;
using System.Data.Common;
using AuthCluster.Storage;
using AuthCluster.Storage.Sqlite;
using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using SQLitePCL;

namespace AuthCluster.StorageTests;

/// <summary>Connections to SQLite stay open with their prepared statements, and nothing of one use reaches the next.</summary>
public sealed class SqliteSessionTests : IAsyncLifetime
{
    private DatabaseUnderTest _under = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);

    public ValueTask DisposeAsync() => _under.DisposeAsync();

    [Fact]
    public async Task A_text_is_prepared_once_and_executed_with_the_values_of_each_use()
    {
        await using var first = await OpenAsync();
        var (statement, sum) = Sum(first, 1, 2);
        await first.DisposeAsync();

        await using var second = await OpenAsync();

        Assert.Equal(3, sum);
        Assert.Equal((statement, 42L), Sum(second, 40, 2));
        Assert.Equal((statement, 7L), Sum(second, 3, 4));
    }

    [Fact]
    public async Task A_prepared_statement_follows_a_change_of_the_schema_by_another_connection()
    {
        await WithTableAsync();
        await using var connection = await OpenAsync();
        Assert.Equal(2, await ColumnsAsync(connection));

        await _under.Database.ExecuteAsync("alter table thing add column more text", null, Cancel);

        Assert.Equal(3, await ColumnsAsync(connection));
    }

    [Fact]
    public async Task A_text_takes_values_of_any_type_in_turn()
    {
        await using var connection = await OpenAsync();

        foreach (var (value, type) in ((object?, string)[])[(1L, "integer"), ("1", "text"), (null, "null"), (new byte[] { 1 }, "blob"), (2L, "integer")])
        {
            Assert.Equal(type, await connection.ExecuteScalarAsync<string>("select typeof(@value)", new { value }));
        }
    }

    [Fact]
    public async Task A_connection_that_was_closed_twice_serves_one_caller_at_a_time()
    {
        var closed = await OpenAsync();
        await closed.CloseAsync();
        await closed.DisposeAsync();

        await using var one = await OpenAsync();
        await using var other = await OpenAsync();
        await closed.DisposeAsync();
        await using var third = await OpenAsync();

        Assert.Equal(3, new[] { one.Connection, other.Connection, third.Connection }.Distinct().Count());
    }

    [Fact]
    public async Task A_connection_with_an_open_transaction_is_rolled_back_and_not_used_again()
    {
        await WithTableAsync();
        var left = await OpenAsync();
        var driver = left.Connection;
        var transaction = await left.BeginTransactionAsync(Cancel);
        await left.ExecuteAsync("insert into thing values (1, 'half')", transaction: transaction);
        await left.DisposeAsync();

        await using var next = await OpenAsync();

        Assert.NotSame(driver, next.Connection);
        Assert.Equal(0, await next.ExecuteScalarAsync<long>("select count(*) from thing"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_that_is_left_open_ends_with_its_command_or_its_connection(bool isCommandDisposed)
    {
        await WithTableAsync();
        await _under.Database.ExecuteAsync("insert into thing values (1, 'a'), (2, 'b')", null, Cancel);
        await using var other = await OpenAsync();
        var left = await OpenAsync();
        var driver = left.Connection;
        var command = left.CreateCommand();
        command.CommandText = "select * from thing";
        Assert.True(await (await command.ExecuteReaderAsync(Cancel)).ReadAsync(Cancel));
        await (isCommandDisposed ? command.DisposeAsync() : left.DisposeAsync());

        await other.ExecuteAsync("delete from thing");
        await left.DisposeAsync();
        await using var next = await OpenAsync();

        Assert.Same(driver, next.Connection);
        Assert.Equal(0, await next.ExecuteScalarAsync<long>("select count(*) from thing"));
    }

    [Fact]
    public async Task A_command_of_a_closed_connection_touches_no_other_caller()
    {
        var closed = await OpenAsync();
        var command = closed.CreateCommand();
        command.CommandText = "select 1";
        await closed.DisposeAsync();
        await using var next = await OpenAsync();

        Assert.Throws<ObjectDisposedException>(command.ExecuteScalar);
    }

    [Fact]
    public async Task A_connection_on_which_a_statement_failed_is_not_used_again()
    {
        var failed = await OpenAsync();
        var driver = failed.Connection;
        await Assert.ThrowsAsync<SqliteException>(() => failed.ExecuteAsync("select missing()"));
        await failed.DisposeAsync();

        await using var next = await OpenAsync();

        Assert.NotSame(driver, next.Connection);
    }

    [Fact]
    public async Task A_write_succeeds_after_one_for_which_the_file_had_no_room()
    {
        await WithTableAsync();
        var big = new string('x', 1_000_000);
        const string Insert = "insert into thing values (@Id, @Name)";
        await using (var connection = await OpenAsync())
        {
            await connection.ExecuteAsync("pragma max_page_count = 1"); // As many pages as it has.
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await Assert.ThrowsAsync<SqliteException>(() => connection.ExecuteAsync(Insert, new { Id = 1, Name = big }, transaction));
        }

        await _under.Database.ExecuteAsync(Insert, new { Id = 2, Name = big }, Cancel);

        Assert.Equal([2L], await _under.Database.ReadAsync("select id from thing", null, row => row.GetInt64(0), Cancel));
    }

    [Fact]
    public async Task All_connections_are_renewed_after_a_time_also_those_that_are_in_use_then()
    {
        var clock = new FakeTimeProvider();
        await using var source = new SqliteDataSource(_under.Database.ConnectionString, clock);
        var leases = new List<SqliteLease>();
        for (var i = 0; i < 3; i++)
        {
            leases.Add((SqliteLease)await source.OpenConnectionAsync(Cancel));
        }

        var connections = leases.ConvertAll(lease => lease.Connection);
        await leases[0].DisposeAsync();
        clock.Advance(SqliteDataSource.Renewal);
        Assert.All(connections, connection => Assert.Equal(ConnectionState.Open, connection.State));
        await leases[1].DisposeAsync();
        await leases[2].DisposeAsync();

        Assert.All(connections, connection => Assert.Equal(ConnectionState.Closed, connection.State));
    }

    [Fact]
    public async Task Connections_beyond_a_number_are_closed_after_their_use()
    {
        var leases = new List<SqliteLease>();
        for (var i = 0; i < 20; i++)
        {
            leases.Add(await OpenAsync());
        }

        var connections = leases.ConvertAll(lease => lease.Connection);
        leases.ForEach(lease => lease.Dispose());

        Assert.Equal(16, connections.Count(connection => connection.State == ConnectionState.Open));
    }

    [Fact]
    public async Task A_statement_that_was_refused_succeeds_with_other_values()
    {
        await WithTableAsync();
        const string Insert = "insert into thing values (@Id, @Name)";
        await _under.Database.ExecuteAsync(Insert, new { Id = 1, Name = "a" }, Cancel);

        await Assert.ThrowsAsync<SqliteException>(() => _under.Database.ExecuteAsync(Insert, new { Id = 1, Name = "b" }, Cancel));
        await _under.Database.ExecuteAsync(Insert, new { Id = 2, Name = "b" }, Cancel);

        Assert.Equal(["a", "b"], await _under.Database.ReadAsync("select name from thing order by id", null, row => row.GetString(0), Cancel));
    }

    [Fact]
    public async Task Ever_new_texts_keep_a_bounded_memory()
    {
        await using var connection = await OpenAsync();

        await ExecuteTextsAsync(connection, 0, 100);
        var few = StatementBytes(connection);
        await ExecuteTextsAsync(connection, 100, 1_000);

        Assert.InRange(few, 1, long.MaxValue);
        Assert.InRange(StatementBytes(connection), 1, 2 * few);
    }

    [Fact]
    public async Task Connections_are_closed_with_the_database_at_once_or_after_their_use()
    {
        await using var lease = await OpenAsync();
        var other = await OpenAsync();
        var (used, idle) = (lease.Connection, other.Connection);
        await other.DisposeAsync();

        await _under.Database.DisposeAsync();

        Assert.Equal((ConnectionState.Open, ConnectionState.Closed), (used.State, idle.State));
        await lease.DisposeAsync();
        Assert.Equal(ConnectionState.Closed, used.State);
    }

    [Fact]
    public async Task Callers_at_once_each_read_what_they_have_written()
    {
        await WithTableAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(
            async () =>
            {
                for (var id = caller * 1_000; id < (caller * 1_000) + 50; id++)
                {
                    await _under.Database.ExecuteAsync("insert into thing values (@id, @name)", new { id, name = $"{caller}" }, Cancel);
                    var read = await _under.Database.ReadAsync("select name from thing where id = @id", new { id }, row => row.GetString(0), Cancel);
                    Assert.Equal([$"{caller}"], read);
                }
            },
            Cancel)));

        Assert.Equal([400L], await _under.Database.ReadAsync("select count(*) from thing", null, row => row.GetInt64(0), Cancel));
    }

    private async Task<SqliteLease> OpenAsync() => (SqliteLease)await _under.Database.OpenAsync(Cancel);

    private Task<int> WithTableAsync() => _under.Database.ExecuteAsync("create table thing (id integer primary key, name text not null)", null, Cancel);

    private static async Task<int> ColumnsAsync(SqliteLease connection)
    {
        await using var reader = await connection.ExecuteReaderAsync("select * from thing");
        return reader.FieldCount;
    }

    /// <summary>Adds two numbers, and answers by which native statement.</summary>
    private static (object Statement, long Sum) Sum(SqliteLease connection, long a, long b)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = "select $a + $b";
        command.Parameters.Add(new SqliteParameter("$a", a));
        command.Parameters.Add(new SqliteParameter("$b", b));
        using var reader = (SqliteDataReader)command.ExecuteReader();
        Assert.True(reader.Read());
        return (reader.Handle!, reader.GetInt64(0));
    }

    private static async Task ExecuteTextsAsync(SqliteLease connection, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            Assert.Equal(i, await connection.ExecuteScalarAsync<long>($"select {i}"));
        }
    }

    /// <summary>The memory of all prepared statements of a connection.</summary>
    private static long StatementBytes(SqliteLease connection)
    {
        raw.sqlite3_db_status(connection.Connection.Handle, raw.SQLITE_DBSTATUS_STMT_USED, out var current, out _, 0);
        return current;
    }
}
