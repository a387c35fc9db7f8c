using System.Data.Common;

namespace AuthCluster.Storage.Clients;

/// <summary>Usage by the hour and last uses: flushed in batches, read by reports.</summary>
/// <remarks>
/// Rows are absolute and only grow (counts) or move forward (times; but one that is more than a day ahead goes back, since a clock was
/// wrong), so a flush whose outcome is not known is simply done again.
/// </remarks>
public sealed class UsageStore(Database database)
{
    /// <summary>The outcome of a request that got its token.</summary>
    public const string Issued = "issued";

    /// <summary>Reports read much and are nobody's token request.</summary>
    private static readonly TimeSpan ReportTimeout = TimeSpan.FromSeconds(30);

    private readonly IUsageWriter _writer = database.Provider switch
    {
        StorageProvider.Sqlite => new SqliteUsageWriter(),
        StorageProvider.PostgreSql => new PostgreSqlUsageWriter(),
        _ => new SqlServerUsageWriter(),
    };

    private readonly string _ofClient = """
        select hour, outcome, sum(count) from usage_hourly
        where client_id = @ClientId and hour >= @From and hour < @To
        group by hour, outcome
        order by hour, outcome
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

    private readonly string _sweep = database.Sql(
        sqlite: """
            delete from usage_hourly where (client_id, hour, outcome, writer) in (
                select client_id, hour, outcome, writer from usage_hourly where hour < @Before order by hour limit @Limit)
            """,
        postgreSql: """
            delete from usage_hourly where (client_id, hour, outcome, writer) in (
                select client_id, hour, outcome, writer from usage_hourly where hour < @Before order by hour limit @Limit for update skip locked)
            """,
        sqlServer: "delete top (@Limit) from usage_hourly where hour < @Before");

    /// <summary>Writes counts and last uses in one transaction. A count never goes down, a time never back.</summary>
    public Task FlushAsync(
        IReadOnlyCollection<UsageCount> counts, IReadOnlyCollection<LastUse> lastUses, CancellationToken cancellationToken = default)
    {
        // One row for each key, and always in the same order: two flushes at once take their row locks in the same order.
        var countRows = counts
            .GroupBy(row => (row.ClientId, row.Hour.UtcTicks, row.Outcome, row.Writer))
            .Select(same => same.MaxBy(row => row.Count)!)
            .OrderBy(row => row.ClientId, StringComparer.Ordinal)
            .ThenBy(row => row.Hour)
            .ThenBy(row => row.Outcome, StringComparer.Ordinal)
            .ThenBy(row => row.Writer, StringComparer.Ordinal)
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
                if (countRows.Count > 0)
                {
                    await _writer.WriteCountsAsync(connection, transaction, countRows, cancellationToken);
                }

                if (useRows.Count > 0)
                {
                    await _writer.WriteLastUsesAsync(connection, transaction, useRows, cancellationToken);
                }

                return true;
            },
            cancellationToken);
    }

    /// <summary>A client's usage by hour and outcome, in the hours that start from <paramref name="from"/> on and before <paramref name="to"/>.</summary>
    public async Task<IReadOnlyList<HourlyUsage>> ReadAsync(
        string clientId, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _ofClient,
            new { ClientId = clientId, From = new StoredTime(from), To = new StoredTime(to) },
            row => new HourlyUsage(row.Time(0), row.GetString(1), SumOf(row, 2)),
            cancellationToken);

    /// <summary>The clients with most tokens or most refusals, in the hours that start from <paramref name="from"/> on and before <paramref name="to"/>.</summary>
    public async Task<IReadOnlyList<ClientUsageTotal>> TopAsync(
        DateTimeOffset from, DateTimeOffset to, UsageOrder order, int limit, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            order == UsageOrder.Issued ? _topByIssued : _topByRefused,
            new { From = new StoredTime(from), To = new StoredTime(to), Limit = limit },
            row => new ClientUsageTotal(row.GetString(0), SumOf(row, 1), SumOf(row, 2)),
            cancellationToken,
            ReportTimeout);

    /// <summary>When a client, its secrets and its scopes were last used.</summary>
    public async Task<IReadOnlyList<LastUse>> LastUsesAsync(string clientId, CancellationToken cancellationToken = default) =>
        await database.ReadAsync(
            _lastUses,
            new { ClientId = clientId },
            row => new LastUse(clientId, row.GetString(0), row.GetString(1), row.Time(2)),
            cancellationToken);

    /// <summary>Clients, secrets and scopes that were neither used nor made since a time, in order of client, kind and value.</summary>
    /// <param name="before">Used or made before this.</param>
    /// <param name="after">The last of the page before; null for the first page.</param>
    /// <param name="limit">The most to answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<UnusedPart>> UnusedAsync(
        DateTimeOffset before, UnusedPart? after, int limit, CancellationToken cancellationToken = default) =>
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
            row => new UnusedPart(
                row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.Time(4), row.TimeOrNull(5)),
            cancellationToken,
            ReportTimeout);

    /// <summary>Deletes counts of hours before a time, at most <paramref name="most"/> rows, and returns how many.</summary>
    public Task<int> SweepAsync(DateTimeOffset before, int most, CancellationToken cancellationToken = default) =>
        database.ExecuteAsync(_sweep, new { Before = new StoredTime(before), Limit = most }, cancellationToken);

    private static string TopSql(Database database, string order)
    {
        var columns = $"""
            client_id,
                sum(case when outcome = '{Issued}' then count else 0 end) as issued,
                sum(case when outcome = '{Issued}' then 0 else count end) as refused
            from usage_hourly
            where hour >= @From and hour < @To
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
