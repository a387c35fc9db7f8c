using AuthCluster.Storage;

namespace AuthCluster.StorageTests;

public sealed class MigratorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task An_empty_database_gets_every_script_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);
        var migrator = DatabaseUnderTest.MigratorOf(under.Database);
        Assert.All(await migrator.StatusAsync(Cancel), script => Assert.False(script.Applied));

        var applied = await migrator.MigrateAsync(Cancel);
        var again = await migrator.MigrateAsync(Cancel);

        Assert.NotEmpty(applied);
        Assert.Empty(again);
        var status = await migrator.StatusAsync(Cancel);
        Assert.Equal(applied, status.Select(script => script.Name));
        Assert.All(status, script => Assert.True(script.Applied));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_script_that_was_applied_by_hand_is_not_applied_again(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);
        var first = Scripts.Of(provider)[0];

        await under.ExecuteAsync(first.Text);

        var applied = await DatabaseUnderTest.MigratorOf(under.Database).MigrateAsync(Cancel);
        Assert.DoesNotContain(first.Name, applied);
        Assert.Equal(Scripts.Of(provider).Count - 1, applied.Count);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_schema_that_is_newer_than_the_build_is_left_alone(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var columns = provider == StorageProvider.Sqlite ? "(script_name, applied_at) values ('9999_of_the_future', 0)" : "(script_name) values ('9999_of_the_future')";
        await under.ExecuteAsync($"insert into schema_version {columns}");

        var migrator = DatabaseUnderTest.MigratorOf(under.Database);

        Assert.Empty(await migrator.MigrateAsync(Cancel));
        Assert.All(await migrator.StatusAsync(Cancel), script => Assert.True(script.Applied));
    }

    /// <summary>A process that gets the lock decides by the journal, in a transaction that began while another process held the lock.</summary>
    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_transaction_that_found_no_journal_finds_one_as_soon_as_another_has_committed_it(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);
        var migrator = DatabaseUnderTest.MigratorOf(under.Database);
        await using var connection = await under.Database.OpenAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, Cancel);
        Assert.Empty(await migrator.ReadJournalAsync(connection, transaction, Cancel));

        var first = Scripts.Of(provider)[0];
        await under.ExecuteAsync(first.Text);

        Assert.Equal([first.Name], await migrator.ReadJournalAsync(connection, transaction, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Ten_that_start_at_once_make_one_schema(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);

        var applied = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(async () =>
        {
            await using var database = new Database(provider, under.ConnectionString);
            return await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel);
        })));

        Assert.Equal(Scripts.Of(provider).Select(script => script.Name), applied.SelectMany(names => names).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Ten_that_start_at_once_on_postgresql_and_lose_their_sessions_on_the_way_make_one_schema()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql, migrate: false);
        var ended = 0;

        var migrations = Enumerable.Range(0, 10).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                await using var database = new Database(StorageProvider.PostgreSql, under.ConnectionString);
                try
                {
                    return await DatabaseUnderTest.MigratorOf(database).MigrateAsync(Cancel);
                }
                catch (Exception e) when (e is MigrationFailedException || StorageFaults.IsUnavailable(e))
                {
                    // Try again, as an operator or an orchestrator would start the process again.
                    Interlocked.Increment(ref ended);
                }
            }
        })).ToList();
        for (var kill = 0; kill < 25; kill++)
        {
            await under.ExecuteAsync("""
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() order by random() limit 2
                """);
            await Task.Delay(10, Cancel);
        }

        await Task.WhenAll(migrations);
        var journal = await under.QueryAsync<string>("select script_name from schema_version order by 1");
        Assert.Equal(Scripts.Of(StorageProvider.PostgreSql).Select(script => script.Name), journal);
        Assert.NotEqual(0, ended);
    }

    [Fact]
    public async Task A_second_user_of_a_sqlite_file_is_refused_in_one_sentence()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        using (SqliteFileLock.Take(under.Database))
        {
            var refused = Assert.Throws<DatabaseInUseException>(() => SqliteFileLock.Take(under.Database));

            Assert.Contains(under.Database.SqliteFile!, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refused.Message);
        }

        SqliteFileLock.Take(under.Database).Dispose();
    }
}
