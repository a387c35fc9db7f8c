using AuthCluster.Storage;
using AuthCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace AuthCluster.StorageTests;

/// <summary>An empty database of one kind with the schema in it, gone when disposed.</summary>
public sealed class DatabaseUnderTest : IAsyncDisposable
{
    private readonly Func<ValueTask> _drop;

    private DatabaseUnderTest(Database database, Func<ValueTask> drop)
    {
        Database = database;
        _drop = drop;
    }

    public Database Database { get; }

    public static async Task<DatabaseUnderTest> CreateAsync(StorageProvider provider, bool migrate = true)
    {
        var under = provider switch
        {
            StorageProvider.Sqlite => CreateSqlite(),
            _ => throw new NotSupportedException(),
        };
        if (migrate)
        {
            await MigratorOf(under.Database).MigrateAsync(TestContext.Current.CancellationToken);
        }

        return under;
    }

    public static Migrator MigratorOf(Database database) => new(database, TimeProvider.System, NullLogger<Migrator>.Instance);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _drop();
    }

    private static DatabaseUnderTest CreateSqlite()
    {
        var folder = new TemporaryFolder();
        return new DatabaseUnderTest(
            new Database(StorageProvider.Sqlite, $"Data Source={folder.PathOf("test.db")}"),
            () =>
            {
                folder.Dispose();
                return ValueTask.CompletedTask;
            });
    }
}
