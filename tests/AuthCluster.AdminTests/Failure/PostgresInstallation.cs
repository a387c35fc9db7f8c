using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Failure;

/// <summary>A server on a PostgreSQL of its own, whose writes can be held where a test wants the process to die.</summary>
/// <remarks>
/// The database holds the write: a trigger sleeps before a row is written, or the database waits for a standby that does not exist, so
/// that a commit is done and durable and its answer never comes. The server itself is unchanged.
/// </remarks>
public sealed class PostgresInstallation : IAsyncLifetime
{
    // The feed takes one writer at a time: while one is held, the others wait for the lock.
    private const string Held = "(wait_event in ('PgSleep', 'SyncRep') or wait_event_type = 'Lock')";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private PostgresServer? _postgres;
    private string _database = "";

    /// <summary>A server that its tests may kill.</summary>
    public PostgresInstallation() => Server = new AdminServer(Process);

    /// <summary>The server's process.</summary>
    public ServerProcess Process { get; } = new();

    /// <summary>The server.</summary>
    public AdminServer Server { get; }

    /// <summary>The database server.</summary>
    public PostgresServer Postgres => _postgres!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Runs SQL beside the server.</summary>
    public Task<string> RunAsync(string sql) => Postgres.RunSqlAsync(_database, sql, Cancellation);

    /// <summary>Holds writes at a point from now on.</summary>
    public async Task HoldAsync(CrashPoint point, string idsBeginWith)
    {
        var hold = point == CrashPoint.Written ? "perform set_config('synchronous_commit', 'on', true);" : "perform pg_sleep(60);";
        var (table, when, before) = point switch
        {
            CrashPoint.Choosing => ("idempotency", "true", "before insert"),
            CrashPoint.WritingRow => ("grain_state", $"new.grain_key like 'c:{idsBeginWith}%'", "before insert or update"),
            CrashPoint.Telling => ("audit", $"new.client_id like '{idsBeginWith}%'", "before insert"),
            _ => ("grain_state", $"new.grain_key like 'c:{idsBeginWith}%'", "after insert or update"),
        };
        await RunAsync($"create function hold() returns trigger language plpgsql as $$ begin {hold} return new; end $$");
        await RunAsync($"create trigger hold {before} on {table} for each row when ({when}) execute function hold()");
    }

    /// <summary>Returns when <paramref name="count"/> sessions are held.</summary>
    public Task HeldAsync(int count) => Eventually.HoldsAsync(
        $"{count} writes are held",
        Deadline,
        async () => await RunAsync($"select count(*) from pg_stat_activity where {Held}") == $"{count}",
        Cancellation);

    /// <summary>Kills the server, ends its held sessions so that only committed writes remain, and starts it again.</summary>
    public async Task CrashAsync()
    {
        await Process.KillAsync();
        await RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where {Held}");
        await RunAsync("drop function if exists hold() cascade");
        await Server.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        PostgresServer.Need();
        _postgres = await PostgresServer.StartAsync(fsync: false, CancellationToken.None, "synchronous_commit=local", "synchronous_standby_names=nobody");
        _database = await _postgres.CreateDatabaseAsync(CancellationToken.None);
        Process["AuthCluster:Storage:Provider"] = "PostgreSql";
        Process["AuthCluster:Storage:ConnectionString"] = _postgres.ConnectionStringOf(_database);
        Process["AuthCluster:Keys:EncryptionKey"] = Convert.ToBase64String(new byte[32]);
        Process["AuthCluster:Cluster:AdvertisedAddress"] = "127.0.0.1";
        await Server.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }
}

/// <summary>The points of an administrative write at which a process dies, in the order in which it reaches them.</summary>
public enum CrashPoint
{
    /// <summary>The choice of a request with an Idempotency-Key is not stored yet.</summary>
    Choosing,

    /// <summary>The row of the grain is not written yet.</summary>
    WritingRow,

    /// <summary>The row is in the transaction, and audit, catalogue and feed are not.</summary>
    Telling,

    /// <summary>Everything is written, and the grain does not know it yet.</summary>
    Written,
}
