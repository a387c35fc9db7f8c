using System.Text.RegularExpressions;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Revocation;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests;

/// <summary>What PostgreSQL's planner does with the stores' own statements, as its auto_explain module logs it.</summary>
/// <remarks>
/// The tables are nearly empty, so reading them whole is the cheapest plan. The planner is told that it is not, so the plan shows whether
/// an index can serve. <c>Index Cond</c> means that the index found the rows; a plan that only walks an index has none.
/// </remarks>
public sealed partial class QueryPlanTests(ExplainingServer explaining) : IClassFixture<ExplainingServer>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A statement of a store, the table it touches, and the index that must find its rows.</summary>
    public static TheoryData<string, string> Statements { get; } = new()
    {
        { "revocation.tokens", "ux_revocation_item" },
        { "revocation.count", "ux_revocation_item" },
        { "revocation.feed", "pk_revocation" },
        { "revocation.sweep", "ix_revocation_expiry" },
        { "usage.client", "pk_usage_hourly" },
        { "usage.client", "pk_usage_daily" },
        { "usage.top", "ix_usage_hourly_hour" },
        { "usage.top", "ix_usage_daily_day" },
        { "usage.days", "ix_usage_hourly_hour" },
        { "usage.older", "ix_usage_hourly_older" },
        { "usage.sweep", "ix_usage_daily_day" },
        { "usage.last", "pk_last_used" },
        { "audit.page", "ix_audit_time" },
        { "audit.client", "ix_audit_client" },
        { "idempotency.sweep", "ix_idempotency_expiry" },
        { "expiry.ending", "ix_client_part_end" },
        { "expiry.soonest", "ix_client_part_end" },
        { "fence.read", "pk_orleans_membership" },
        { "fence.stamp", "pk_orleans_membership" },
    };

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_statement_finds_its_rows_by_its_index(string statement, string index)
    {
        var (server, database) = await explaining.StartedAsync();
        var before = server.Output.Length;

        await RunAsync(database, statement);

        // A plan reaches the log in pieces; it is complete once a later statement is in the log too.
        const string Later = "the_plan_is_out";
        await server.RunSqlAsync("postgres", $"SELECT 1 AS {Later}", Cancel);
        var plan = "";
        await Eventually.HoldsAsync(
            "the plan is logged", TimeSpan.FromSeconds(10), () => (plan = server.Output[before..]).Contains(Later, StringComparison.Ordinal), Cancel);
        Assert.Matches($@"Index (Only )?Scan( Backward)? using {index} on ", plan);
        Assert.Contains("Index Cond", plan, StringComparison.Ordinal);
        Assert.DoesNotMatch(SequentialScan(), plan);
    }

    private static Task RunAsync(Database database, string statement) => statement switch
    {
        "revocation.tokens" => new RevocationStore(database).TokensAsync("orders", 2, Cancel),
        "revocation.count" => new RevocationStore(database).CountTokensAsync("orders", 2, Samples.Now, Cancel),
        "revocation.feed" => new RevocationStore(database).FeedAsync(null, 100, Cancel),
        "revocation.sweep" => new RevocationStore(database).SweepAsync(Samples.Now, 100, Cancel),
        "usage.client" => new UsageStore(database).ReadAsync("orders", Samples.Now.AddDays(-1), Samples.Now, Cancel),
        "usage.top" => new UsageStore(database).TopAsync(Samples.Now.AddDays(-1), Samples.Now, byRefused: false, 10, Cancel),
        "usage.days" => new UsageArchiveStore(database).MoveHoursToDaysAsync(Samples.Now, 100, Cancel),
        "usage.older" => new UsageArchiveStore(database).MergeHoursOfOlderBuildsAsync(Samples.Now, 100, Cancel),
        "usage.sweep" => new UsageArchiveStore(database).SweepDaysAsync(Samples.Now, 100, Cancel),
        "usage.last" => new UsageStore(database).LastUsesAsync("orders", Cancel),
        "audit.page" => new AuditStore(database).PageAsync(null, null, 100, Cancel),
        "audit.client" => new AuditStore(database).PageAsync("orders", null, 100, Cancel),
        "idempotency.sweep" => new IdempotencyStore(database).SweepAsync(Samples.Now, 100, Cancel),
        "expiry.ending" => new ExpiryStore(database).EndingAsync(Samples.Now, Samples.Now.AddDays(30), null, 100, Cancel),
        "expiry.soonest" => new ExpiryStore(database).SoonestAsync(Samples.Now, Cancel),
        "fence.read" => new FenceStore(database, "authcluster").ReadAsync(Cancel),
        "fence.stamp" => new FenceStore(database, "authcluster").StampDeathsAsync(Cancel),
        _ => throw new ArgumentOutOfRangeException(nameof(statement), statement, "No such statement."),
    };

    [GeneratedRegex(@"Seq Scan on (revocation|usage_hourly|usage_daily|last_used|audit|idempotency|client_part|orleans_membership)\b")]
    private static partial Regex SequentialScan();
}

/// <summary>A PostgreSQL server that logs every plan.</summary>
public sealed class ExplainingServer : IAsyncDisposable
{
    private PostgresServer? _server;
    private Database? _database;

    /// <summary>The server and a database with the schema.</summary>
    public async Task<(PostgresServer Server, Database Database)> StartedAsync()
    {
        PostgresServer.Need();
        _server ??= await PostgresServer.StartAsync(
            fsync: false,
            TestContext.Current.CancellationToken,
            "session_preload_libraries=auto_explain",
            "auto_explain.log_min_duration=0",
            "enable_seqscan=off",
            "enable_bitmapscan=off");
        if (_database is null)
        {
            _database = new Database(StorageProvider.PostgreSql, _server.ConnectionStringOf("postgres"));
            await DatabaseUnderTest.MigratorOf(_database).MigrateAsync(TestContext.Current.CancellationToken);
            // Most parts of clients are scopes, which never end. The planner must know this to choose between the indexes of the parts.
            await _server.RunSqlAsync(
                "postgres",
                "INSERT INTO client_part (client_id, kind, value, created_at) SELECT 'c' || n, 'scope', 'read', now() FROM generate_series(1, 5000) n; ANALYZE client_part",
                TestContext.Current.CancellationToken);
        }

        return (_server, _database);
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
