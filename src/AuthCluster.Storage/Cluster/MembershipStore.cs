using System.Data.Common;

namespace AuthCluster.Storage.Cluster;

/// <summary>Looks at the cluster's membership from outside, for the commands that need every process stopped.</summary>
public sealed class MembershipStore(Database database)
{
    // Orleans' SiloStatus: 6 is dead.
    private const int Dead = 6;

    private readonly string _countLiving = """
        select count(*) from orleans_membership where status <> @Dead and i_am_alive_time > @Since
        """;

    private readonly string _countSessions = database.Sql(
        sqlite: "select 0",
        postgreSql: """
            select count(*) from pg_stat_activity
            where datname = current_database() and application_name = current_setting('application_name') and pid <> pg_backend_pid()
            """,
        sqlServer: """
            select count(*) from sys.dm_exec_sessions
            where database_id = db_id() and program_name = app_name() and session_id <> @@spid
            """);

    private readonly string _forgetSilos = "delete from orleans_membership";

    private readonly string _forgetVersions = "delete from orleans_membership_version";

    /// <summary>How many silos have reported lately that they are alive.</summary>
    /// <param name="since">What counts as lately.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<int> CountLivingAsync(DateTimeOffset since, CancellationToken cancellationToken = default) =>
        database.Provider == StorageProvider.Sqlite
            ? 0
            : (await database.ReadAsync(
                _countLiving, new { Dead, Since = new StoredTime(since) }, row => Convert.ToInt32(row.GetValue(0), null), cancellationToken))[0];

    /// <summary>
    /// How many other sessions of this product are open on the database. They show which processes run, whatever a restored membership says. SQL
    /// Server shows them only to a login with VIEW SERVER STATE.
    /// </summary>
    public async Task<int> CountSessionsAsync(CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(_countSessions, null, row => Convert.ToInt32(row.GetValue(0), null), cancellationToken))[0];

    /// <summary>Deletes all silos, within a transaction: after a restore the rows describe processes that no longer exist.</summary>
    internal async Task ClearAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        if (database.Provider != StorageProvider.Sqlite)
        {
            await Database.ExecuteAsync(connection, transaction, _forgetSilos, null, cancellationToken);
            await Database.ExecuteAsync(connection, transaction, _forgetVersions, null, cancellationToken);
        }
    }
}
