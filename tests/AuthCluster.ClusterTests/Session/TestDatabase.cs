using System.Globalization;
using System.Text.RegularExpressions;
using AuthCluster.TestKit;
using Microsoft.Data.SqlClient;

namespace AuthCluster.ClusterTests.Session;

/// <summary>The databases that silos can share.</summary>
public enum DatabaseKind
{
    /// <summary>A server of the tests' own.</summary>
    PostgreSql = 0,

    /// <summary>The server that <c>AUTHCLUSTER_TEST_SQLSERVER</c> names.</summary>
    SqlServer = 1,
}

/// <summary>The databases that the suite runs on: one suite, run on each.</summary>
public static class Databases
{
    /// <summary>PostgreSQL, and SQL Server where a server is named.</summary>
    public static TheoryData<DatabaseKind> All =>
        NamedSqlServer.ConnectionString is null ? [DatabaseKind.PostgreSql] : [DatabaseKind.PostgreSql, DatabaseKind.SqlServer];
}

/// <summary>Says that the suite did not run on SQL Server, and why, once.</summary>
public sealed class SqlServerSuite
{
    [Fact]
    public void The_cluster_suite_runs_on_sql_server() => NamedSqlServer.Need("cluster");
}

/// <summary>An empty database for one cluster, gone when disposed.</summary>
public sealed partial class TestDatabase : IAsyncDisposable
{
    private readonly Func<string, Task<string>> _query;
    private readonly Func<Task> _drop;

    private TestDatabase(DatabaseKind kind, string connectionString, string host, int port, Func<string, Task<string>> query, Func<Task> drop)
    {
        (Kind, ConnectionString, Host, Port) = (kind, connectionString, host, port);
        _query = query;
        _drop = drop;
    }

    /// <summary>Which it is; the name is that of <c>AuthCluster:Storage:Provider</c>.</summary>
    public DatabaseKind Kind { get; }

    public string ConnectionString { get; }

    /// <summary>Where its server is.</summary>
    public string Host { get; }

    /// <summary>Its server's port.</summary>
    public int Port { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One on the shared PostgreSQL server, or on the named SQL Server.</summary>
    public static async Task<TestDatabase> CreateAsync(DatabaseKind kind) =>
        kind == DatabaseKind.PostgreSql ? await CreateAsync(await SharedPostgres.ServerAsync(fsync: true)) : await CreateSqlServerAsync(NamedSqlServer.ConnectionString!);

    /// <summary>One on a PostgreSQL server of the test's own.</summary>
    public static async Task<TestDatabase> CreateAsync(PostgresServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        var name = await server.CreateDatabaseAsync(Cancellation);
        return new TestDatabase(
            DatabaseKind.PostgreSql,
            server.ConnectionStringOf(name),
            "127.0.0.1",
            server.Port,
            sql => server.RunSqlAsync(name, sql, Cancellation),
            () => server.DropDatabaseAsync(name, CancellationToken.None));
    }

    /// <summary>The same database, reached through a proxy.</summary>
    public string ConnectionStringThrough(TcpProxy proxy)
    {
        ArgumentNullException.ThrowIfNull(proxy);
        return Kind == DatabaseKind.PostgreSql
            ? ConnectionString.Replace($"Host={Host};Port={Port}", $"Host={proxy.Address};Port={proxy.Port}", StringComparison.Ordinal)
            : new SqlConnectionStringBuilder(ConnectionString) { DataSource = $"{proxy.Address},{proxy.Port}" }.ConnectionString;
    }

    /// <summary>Runs SQL and returns the rows as plain text: a line for each row, with a bar between its columns.</summary>
    public Task<string> QueryAsync(string sql) => _query(sql);

    /// <summary>Runs SQL and returns the number that it answers.</summary>
    public async Task<long> NumberAsync(string sql) => long.Parse(await QueryAsync(sql), CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync() => await _drop();

    private static async Task<TestDatabase> CreateSqlServerAsync(string server)
    {
        var name = $"authcluster_test_{Guid.NewGuid():N}";
        await RunAsync(server, $"create database {name}");
        var connectionString = new SqlConnectionStringBuilder(server) { InitialCatalog = name };
        var address = ServerAddress().Match(connectionString.DataSource);
        return new TestDatabase(
            DatabaseKind.SqlServer,
            connectionString.ConnectionString,
            address.Groups["host"].Value,
            address.Groups["port"] is { Success: true } port ? int.Parse(port.Value, CultureInfo.InvariantCulture) : 1433,
            sql => RunAsync(connectionString.ConnectionString, sql),
            async () =>
            {
                SqlConnection.ClearAllPools();
                await RunAsync(server, $"alter database {name} set single_user with rollback immediate; drop database {name}");
            });
    }

    private static async Task<string> RunAsync(string connectionString, string sql)
    {
        await using var connection = new SqlConnection(connectionString);
        await connection.OpenAsync(CancellationToken.None);
#pragma warning disable CA2100 // The tests' own text.
        await using var command = new SqlCommand(sql, connection);
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var lines = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            lines.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        }

        return string.Join('\n', lines);
    }

    /// <summary><c>tcp:host,port</c>, as SqlClient has it; scheme and port may be left out.</summary>
    [GeneratedRegex("^(tcp:)?(?<host>[^,]+)(,(?<port>[0-9]+))?$")]
    private static partial Regex ServerAddress();
}
