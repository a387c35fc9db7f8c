using AuthCluster.Storage;
using AuthCluster.TestKit;
using Dapper;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.StorageTests;

/// <summary>A database of one kind for one test, with the schema in it unless told otherwise, gone when disposed.</summary>
/// <remarks>
/// SQLite gets a file, PostgreSQL a database in the server that all tests share, SQL Server a database in the server that
/// <c>AUTHCLUSTER_TEST_SQLSERVER</c> names by its connection string.
/// </remarks>
public sealed class DatabaseUnderTest : IAsyncDisposable
{
    private readonly Func<ValueTask> _drop;

    private DatabaseUnderTest(StorageProvider provider, string connectionString, Func<ValueTask> drop)
    {
        Database = new Database(provider, connectionString);
        ConnectionString = connectionString;
        _drop = drop;
    }

    public Database Database { get; }

    public string ConnectionString { get; }

    /// <param name="provider">Its kind.</param>
    /// <param name="migrate">Whether the schema is created.</param>
    /// <param name="sqlServerCollation">The collation on SQL Server; the server's own where none is given.</param>
    public static async Task<DatabaseUnderTest> CreateAsync(StorageProvider provider, bool migrate = true, string? sqlServerCollation = null)
    {
        var under = provider switch
        {
            StorageProvider.Sqlite => CreateSqlite(),
            StorageProvider.PostgreSql => await CreatePostgreSqlAsync(),
            _ => await CreateSqlServerAsync(sqlServerCollation),
        };
        if (migrate)
        {
            await MigratorOf(under.Database).MigrateAsync(TestContext.Current.CancellationToken);
        }

        return under;
    }

    public static Migrator MigratorOf(Database database) => new(database, TimeProvider.System, NullLogger<Migrator>.Instance);

    /// <summary>Runs SQL of the test's own.</summary>
    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(sql, parameters, commandTimeout: 600, cancellationToken: TestContext.Current.CancellationToken));
    }

    /// <summary>Runs a query of the test's own and reads the first column of its result.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(TestContext.Current.CancellationToken);
        return [.. await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, commandTimeout: 600, cancellationToken: TestContext.Current.CancellationToken))];
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _drop();
    }

    private static DatabaseUnderTest CreateSqlite()
    {
        var folder = new TemporaryFolder();
        return new DatabaseUnderTest(
            StorageProvider.Sqlite,
            $"Data Source={folder.PathOf("test.db")}",
            () =>
            {
                folder.Dispose();
                return ValueTask.CompletedTask;
            });
    }

    private static async Task<DatabaseUnderTest> CreatePostgreSqlAsync()
    {
        var server = await SharedPostgres.ServerAsync();
        var name = await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        return new DatabaseUnderTest(
            StorageProvider.PostgreSql,
            server.ConnectionStringOf(name),
            async () => await server.DropDatabaseAsync(name, CancellationToken.None));
    }

    private static async Task<DatabaseUnderTest> CreateSqlServerAsync(string? collation)
    {
        var server = NamedSqlServer.ConnectionString!;
        var name = $"authcluster_test_{Guid.NewGuid():N}";
        await RunOnAsync(server, $"create database {name}{(collation is null ? "" : $" collate {collation}")}");
        return new DatabaseUnderTest(
            StorageProvider.SqlServer,
            new SqlConnectionStringBuilder(server) { InitialCatalog = name }.ConnectionString,
            async () =>
            {
                SqlConnection.ClearAllPools();
                await RunOnAsync(server, $"drop database {name}");
            });
    }

    private static async Task RunOnAsync(string server, string sql)
    {
        await using var connection = new SqlConnection(server);
        await connection.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(sql);
    }
}
