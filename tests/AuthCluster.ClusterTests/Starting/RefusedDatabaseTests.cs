using AuthCluster.ClusterTests.Session;

namespace AuthCluster.ClusterTests.Starting;

/// <summary>A database that would not keep acknowledged writes stops the start.</summary>
public sealed class RefusedDatabaseTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("synchronous_commit = off", "PostgreSQL's synchronous_commit is off for this database or user: a crash would lose what was acknowledged. Set it to on.")]
    [InlineData("default_transaction_read_only = on", "The PostgreSQL database is read-only (a standby, or default_transaction_read_only is on); the connection string must name the primary.")]
    public async Task A_database_that_may_lose_acknowledged_writes_or_is_read_only_stops_the_start_with_one_sentence(string setting, string sentence)
    {
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql);
        await cluster.Database.QueryAsync($"do $$ begin execute format('alter database %I set {setting}', current_database()); end $$");
        var node = cluster.Add();

        Assert.Equal(1, await node.RunToExitAsync(Cancellation));

        Assert.Equal([sentence], node.OutputOfThisRun.Trim().Split('\n'));
        Assert.Equal(0, await cluster.Database.NumberAsync("select count(*) from pg_tables where schemaname = 'public'"));
    }
}
