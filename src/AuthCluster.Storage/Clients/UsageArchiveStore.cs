namespace AuthCluster.Storage.Clients;

/// <summary>
/// Keeps the usage tables small: old hours become days, old days are deleted. Each call takes a bounded number of rows, in one transaction.
/// </summary>
/// <remarks>
/// A count that is added late to an old hour, as after an outage, is moved to its day by a later call. A count is in one table at any moment, so
/// the sum over both tables is right.
/// </remarks>
public sealed class UsageArchiveStore(Database database)
{
    private const string OldHours = "hour < @Before";
    private const string HoursOfOlderBuilds = "writer <> '' and hour < @Before";

    // The order of an index that holds the count too.
    private readonly string _hoursToDays = Move(
        database,
        OldHours,
        "order by hour, outcome, client_id, count, writer",
        "usage_daily (client_id, day, outcome, count)",
        "client_id, day, outcome",
        database.Sql(
            sqlite: "hour - hour % 86400000000",
            postgreSql: "date_trunc('day', hour, 'UTC')",
            sqlServer: "cast(cast(hour as date) as datetime2(6))"));

    private readonly string _hoursOfOlderBuilds = Move(
        database,
        HoursOfOlderBuilds,
        "order by hour, outcome, client_id, count, writer",
        "usage_hourly (client_id, hour, outcome, count, writer)",
        "client_id, hour, outcome, writer",
        "hour");

    private readonly string _sweepDays = database.Sql(
        sqlite: """
            delete from usage_daily where (client_id, day, outcome) in (
                select client_id, day, outcome from usage_daily where day < @Before order by day limit @Limit)
            """,
        postgreSql: """
            delete from usage_daily where (client_id, day, outcome) in (
                select client_id, day, outcome from usage_daily where day < @Before order by day limit @Limit for update skip locked)
            """,
        sqlServer: "delete top (@Limit) from usage_daily where day < @Before");

    private readonly string _sweepWriters = database.Sql(
        others: "delete from usage_writer where writer in (select writer from usage_writer where flushed_at < @Before limit @Limit)",
        sqlServer: "delete top (@Limit) from usage_writer where flushed_at < @Before");

    /// <summary>Adds hours that began before a time to their days, at most <paramref name="max"/> rows, and returns how many.</summary>
    /// <param name="before">The beginning of a day, UTC.</param>
    /// <param name="max">The most rows to move.</param>
    /// <param name="cancellationToken">Ends the wait; nothing is half moved.</param>
    public Task<int> MoveHoursToDaysAsync(DateTimeOffset before, int max, CancellationToken cancellationToken = default) =>
        MoveAsync(_hoursToDays, before, max, cancellationToken);

    /// <summary>
    /// Adds the rows of older builds, one for each activation of a client, to the one row of the hour: those that began before a time, at
    /// most <paramref name="max"/> rows, and returns how many.
    /// </summary>
    /// <param name="before">Long enough ago that no process of an older build still writes a count of that hour.</param>
    /// <param name="max">The most rows to move.</param>
    /// <param name="cancellationToken">Ends the wait; nothing is half moved.</param>
    public Task<int> MergeHoursOfOlderBuildsAsync(DateTimeOffset before, int max, CancellationToken cancellationToken = default) =>
        MoveAsync(_hoursOfOlderBuilds, before, max, cancellationToken);

    /// <summary>Deletes days that began before a time, at most <paramref name="max"/> rows, and returns how many.</summary>
    public Task<int> SweepDaysAsync(DateTimeOffset before, int max, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweepDays, new { Before = new StoredTime(before), Limit = max }, cancellationToken);

    /// <summary>Forgets silos that have written nothing since a time, at most <paramref name="max"/> of them, and returns how many.</summary>
    public Task<int> SweepWritersAsync(DateTimeOffset before, int max, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweepWriters, new { Before = new StoredTime(before), Limit = max }, cancellationToken);

    private Task<int> MoveAsync(string sql, DateTimeOffset before, int max, CancellationToken cancellationToken) =>
        database.WriteAsync(
            (connection, transaction) =>
                Database.ScalarAsync<int>(connection, transaction, sql, new { Before = new StoredTime(before), Limit = max }, cancellationToken),
            cancellationToken);

    /// <summary>Deletes rows of hours, adds their sums to the rows of a target, and answers how many were deleted.</summary>
    /// <param name="database">The database.</param>
    /// <param name="condition">Which rows.</param>
    /// <param name="order">The order in which they are taken: a total one, so that SQLite's two statements take the same rows.</param>
    /// <param name="target">The table and its columns, the count among them.</param>
    /// <param name="key">The target's key.</param>
    /// <param name="time">The second column of the target, from <c>hour</c>.</param>
    private static string Move(Database database, string condition, string order, string target, string key, string time)
    {
        var table = target[..target.IndexOf(' ', StringComparison.Ordinal)];
        var isHourly = table == "usage_hourly";
        var (column, writer) = isHourly ? ("hour", ", ''") : ("day", "");
        return database.Sql(
            sqlite: $"""
                insert into {target}
                select client_id, {time}, outcome, sum(count){writer}
                from (select client_id, hour, outcome, count from usage_hourly where {condition} {order} limit @Limit)
                where true
                group by 1, 2, 3
                on conflict ({key}) do update set count = {table}.count + excluded.count;
                delete from usage_hourly where (client_id, hour, outcome, writer) in (
                    select client_id, hour, outcome, writer from usage_hourly where {condition} {order} limit @Limit);
                select changes();
                """,
            postgreSql: $"""
                with gone as (
                    delete from usage_hourly where (client_id, hour, outcome, writer) in (
                        select client_id, hour, outcome, writer from usage_hourly where {condition} order by hour limit @Limit for update skip locked)
                    returning client_id, hour, outcome, count),
                added as (
                    insert into {target}
                    select client_id, {time}, outcome, sum(count)::bigint{writer} from gone
                    group by 1, 2, 3 order by 1, 2, 3
                    on conflict ({key}) do update set count = {table}.count + excluded.count)
                select count(*)::int from gone
                """,
            sqlServer: $"""
                set nocount on;
                declare @gone table (
                    client_id nvarchar(200) collate Latin1_General_100_BIN2, hour datetime2(6), outcome nvarchar(64) collate Latin1_General_100_BIN2, count bigint);
                delete top (@Limit) from usage_hourly
                output deleted.client_id, deleted.hour, deleted.outcome, deleted.count into @gone
                where {condition};
                declare @moved int = @@rowcount;
                declare @sums table (
                    client_id nvarchar(200) collate Latin1_General_100_BIN2, start datetime2(6), outcome nvarchar(64) collate Latin1_General_100_BIN2, count bigint,
                    primary key (client_id, start, outcome));
                insert into @sums select client_id, {time}, outcome, sum(count) from @gone group by client_id, {time}, outcome;
                update stored
                set count = stored.count + given.count
                from {table} stored
                join @sums given on given.client_id = stored.client_id and given.start = stored.{column} and given.outcome = stored.outcome{(isHourly ? " and stored.writer = ''" : "")};
                insert into {target}
                select given.client_id, given.start, given.outcome, given.count{writer}
                from @sums given
                where not exists (
                    select 1 from {table} stored
                    where stored.client_id = given.client_id and stored.{column} = given.start and stored.outcome = given.outcome{(isHourly ? " and stored.writer = ''" : "")});
                select @moved;
                """);
    }
}
