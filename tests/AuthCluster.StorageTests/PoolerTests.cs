using AuthCluster.Storage;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests;

/// <summary>PostgreSQL behind a pooler that gives each transaction another session, so that nothing outlives its transaction.</summary>
public sealed class PoolerTests
{
    private const string AdvisoryLocks = """
        select count(*)::integer from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and d.datname = current_database()
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_schema_that_is_made_through_a_pooler_leaves_no_lock_behind()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql, migrate: false);
        await using var pooler = await StartPoolerAsync(sessions: 5);
        await using var database = Through(pooler, under);

        await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel);

        Assert.Equal(0, (await under.QueryAsync<int>(AdvisoryLocks)).Single());
        Assert.Empty(await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel));
    }

    /// <summary>Also with fewer sessions than processes: a process that waits for the lock must not keep the lock's holder from a session.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(20)]
    public async Task Ten_that_start_at_once_through_a_pooler_apply_each_script_once(int sessions)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql, migrate: false);
        await using var pooler = await StartPoolerAsync(sessions);

        var applied = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(async () =>
        {
            await using var database = Through(pooler, under);
            return await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel);
        })));

        Assert.Equal(Scripts.Of(StorageProvider.PostgreSql).Select(script => script.Name), applied.SelectMany(names => names).Order(StringComparer.Ordinal));
        Assert.Equal(0, (await under.QueryAsync<int>(AdvisoryLocks)).Single());
    }

    private static async Task<PgBouncer> StartPoolerAsync(int sessions)
    {
        var server = await SharedPostgres.ServerAsync();
        PgBouncer.Need();
        return await PgBouncer.StartAsync(server, sessions, Cancel);
    }

    private static Database Through(PgBouncer pooler, DatabaseUnderTest under) =>
        new(StorageProvider.PostgreSql, pooler.ConnectionStringOf(new Npgsql.NpgsqlConnectionStringBuilder(under.ConnectionString).Database!));
}
