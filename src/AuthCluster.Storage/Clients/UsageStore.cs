using System.Data.Common;
using AuthCluster.Contracts.Admin;

namespace AuthCluster.Storage.Clients;

/// <summary>Usage by the hour and by the day, and last uses: written in batches, read by reports.</summary>
/// <remarks>
/// A flush adds to the stored counts. It has a number, which is stored in the same transaction, so that a flush of unknown outcome can simply be
/// repeated. Old hours become days (<see cref="UsageArchiveStore"/>): a day counts where it begins. A last use only moves forward, unless the
/// stored one is more than a day ahead: then a clock was wrong.
/// </remarks>
public sealed class UsageStore(Database database)
{
    private readonly IUsageWriter _writer = database.Provider switch
    {
        StorageProvider.Sqlite => new SqliteUsageWriter(),
        StorageProvider.PostgreSql => new PostgreSqlUsageWriter(),
        _ => new SqlServerUsageWriter(),
    };

    private readonly string _begin = database.Sql(
        others: """
            insert into usage_writer (writer, last_flush, flushed_at) values (@Writer, @Number, @At)
            on conflict (writer) do update set last_flush = excluded.last_flush, flushed_at = excluded.flushed_at
            where usage_writer.last_flush < excluded.last_flush
            returning 1
            """,
        sqlServer: """
            set nocount on;
            update usage_writer set last_flush = @Number, flushed_at = @At where writer = @Writer and last_flush < @Number;
            declare @new int = @@rowcount;
            if @new = 0
            begin
                insert into usage_writer (writer, last_flush, flushed_at)
                select @Writer, @Number, @At where not exists (select 1 from usage_writer where writer = @Writer);
                set @new = @@rowcount;
            end;
            select @new;
            """);

    private readonly string _ofClient = """
        select start, outcome, sum(count) from (
            select hour as start, outcome, count from usage_hourly
            where client_id = @ClientId and hour >= @From and hour < @To
            union all
            select day, outcome, count from usage_daily
            where client_id = @ClientId and day >= @From and day < @To) counted
        group by start, outcome
        order by start, outcome
        """;

    private readonly string _topByIssued = TopSql(database, "2 desc, client_id");

    private readonly string _topByRefused = TopSql(database, "3 desc, client_id");

    private readonly string _lastUses = "select kind, value, used_at from last_used where client_id = @ClientId order by kind, value";

    private readonly string _unused = database.Sql(
        others: """
            select p.client_id, p.kind, p.value, p.label, p.created_at, u.used_at
            from client_part p
            left join last_used u on u.client_id = p.client_id and u.kind = p.kind and u.value = p.value
            where (p.client_id, p.kind, p.value) > (@ClientId, @Kind, @Value) and p.created_at < @Before and (u.used_at is null or u.used_at < @Before)
            order by p.client_id, p.kind, p.value limit @Limit
            """,
        sqlServer: """
            select top (@Limit) p.client_id, p.kind, p.value, p.label, p.created_at, u.used_at
            from client_part p
            left join last_used u on u.client_id = p.client_id and u.kind = p.kind and u.value = p.value
            where p.client_id >= @ClientId
                and (p.client_id > @ClientId or p.kind > @Kind or (p.kind = @Kind and p.value > @Value))
                and p.created_at < @Before and (u.used_at is null or u.used_at < @Before)
            order by p.client_id, p.kind, p.value
            """);

    /// <summary>Adds counts and moves last uses forward in one transaction, unless this flush is already stored.</summary>
    /// <exception cref="UsageRefusedException">The database refuses a row. Nothing of the flush is stored, nor will be.</exception>
    public Task FlushAsync(
        UsageFlush flush, IReadOnlyCollection<UsageCount> counts, IReadOnlyCollection<LastUse> lastUses, CancellationToken cancellationToken = default)
    {
        // One row for each key, always in the same order, so that two flushes take their row locks in the same order.
        var countRows = counts
            .GroupBy(row => (row.ClientId, row.Hour.UtcTicks, row.Outcome))
            .Select(same => same.First() with { Count = same.Sum(row => row.Count) })
            .OrderBy(row => row.ClientId, StringComparer.Ordinal)
            .ThenBy(row => row.Hour)
            .ThenBy(row => row.Outcome, StringComparer.Ordinal)
            .ToList();
        var useRows = lastUses
            .GroupBy(row => (row.ClientId, row.Kind, row.Value))
            .Select(same => same.MaxBy(row => row.UsedAt)!)
            .OrderBy(row => row.ClientId, StringComparer.Ordinal)
            .ThenBy(row => row.Kind, StringComparer.Ordinal)
            .ThenBy(row => row.Value, StringComparer.Ordinal)
            .ToList();
        if (countRows.Count == 0 && useRows.Count == 0)
        {
            return Task.CompletedTask;
        }

        return database.WriteAsync(
            async (connection, transaction) =>
            {
                var number = new { flush.Writer, flush.Number, At = new StoredTime(flush.At) };
                if (await Database.ScalarAsync<int?>(connection, transaction, _begin, number, cancellationToken) is not 1)
                {
                    return false;
                }

                try
                {
                    if (countRows.Count > 0)
                    {
                        await _writer.WriteCountsAsync(connection, transaction, countRows, cancellationToken);
                    }

                    if (useRows.Count > 0)
                    {
                        await _writer.WriteLastUsesAsync(connection, transaction, useRows, cancellationToken);
                    }
                }
                catch (Exception e) when (StorageFaults.Of(e) == StorageFault.Rejected)
                {
                    // The number was free and is locked until the rollback, so no earlier try of this flush is stored or still committing.
                    throw new UsageRefusedException("The database refused the usage.", e);
                }

                return true;
            },
            cancellationToken);
    }

    /// <summary>
    /// A client's usage by hour (or day, where hours are no longer kept) and outcome, in those that start from <paramref name="from"/> on and
    /// before <paramref name="to"/>.
    /// </summary>
    public async Task<IReadOnlyList<HourlyUsageRecord>> ReadAsync(
        string clientId, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _ofClient,
            new { ClientId = clientId, From = new StoredTime(from), To = new StoredTime(to) },
            row => new HourlyUsageRecord(row.Time(0), row.GetString(1), SumOf(row, 2)),
            cancellationToken);

    /// <summary>
    /// The clients with most tokens or most refusals, in the hours (or days, where hours are no longer kept) that start from
    /// <paramref name="from"/> on and before <paramref name="to"/>.
    /// </summary>
    public async Task<IReadOnlyList<UsageTotalRecord>> TopAsync(
        DateTimeOffset from, DateTimeOffset to, bool byRefused, int limit, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            byRefused ? _topByRefused : _topByIssued,
            new { From = new StoredTime(from), To = new StoredTime(to), Limit = limit },
            row => new UsageTotalRecord(row.GetString(0), SumOf(row, 1), SumOf(row, 2)),
            cancellationToken,
            Database.LongCommandTimeout);

    /// <summary>When a client, its secrets and its scopes were last used.</summary>
    public async Task<IReadOnlyList<LastUseRecord>> LastUsesAsync(string clientId, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _lastUses,
            new { ClientId = clientId },
            row => new LastUseRecord(row.GetString(0), row.GetString(1), row.Time(2)),
            cancellationToken);

    /// <summary>Clients, secrets and scopes that were neither used nor made since a time, in order of client, kind and value.</summary>
    /// <param name="before">Used or made before this.</param>
    /// <param name="after">The last of the page before; null for the first page.</param>
    /// <param name="limit">The most to answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<UnusedRecord>> UnusedAsync(
        DateTimeOffset before, UnusedRecord? after, int limit, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _unused,
            new
            {
                ClientId = after?.ClientId ?? "",
                Kind = after?.Kind ?? "",
                Value = after?.Value ?? "",
                Before = new StoredTime(before),
                Limit = limit,
            },
            row => new UnusedRecord(
                row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.Time(4), row.TimeOrNull(5)),
            cancellationToken,
            Database.LongCommandTimeout);

    private static string TopSql(Database database, string order)
    {
        var columns = $"""
            client_id,
                sum(case when outcome = '{HourlyUsageRecord.Issued}' then count else 0 end) as issued,
                sum(case when outcome = '{HourlyUsageRecord.Issued}' then 0 else count end) as refused
            from (
                select client_id, outcome, count from usage_hourly where hour >= @From and hour < @To
                union all
                select client_id, outcome, count from usage_daily where day >= @From and day < @To) counted
            group by client_id
            order by {order}
            """;
        var limited = $"select {columns} limit @Limit";
        return database.Sql(sqlite: limited, postgreSql: limited, sqlServer: $"select top (@Limit) {columns}");
    }

    /// <summary>PostgreSQL answers the sum of bigints as numeric.</summary>
    private static long SumOf(DbDataReader row, int column) => row.GetValue(column) switch
    {
        long sum => sum,
        decimal sum => (long)sum,
        var other => throw new InvalidCastException($"A sum has the type {other.GetType()}."),
    };
}
