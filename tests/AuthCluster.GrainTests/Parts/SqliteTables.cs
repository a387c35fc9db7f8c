using AuthCluster.Storage;
using AuthCluster.TestKit;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.GrainTests.Parts;

/// <summary>A database file of one test, with the schema once it is migrated; gone when disposed.</summary>
internal sealed class SqliteTables : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SqliteTables() => Database = new Database(StorageProvider.Sqlite, $"Data Source={_folder.PathOf("test.db")}");

    public Database Database { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task MigrateAsync() =>
        await new Migrator(Database, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(Cancellation);

    /// <summary>Runs SQL of the test's own.</summary>
    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(Cancellation);
        await connection.ExecuteAsync(sql, parameters);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _folder.Dispose();
    }
}
