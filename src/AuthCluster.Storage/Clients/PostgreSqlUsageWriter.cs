using System.Data.Common;
using Dapper;

namespace AuthCluster.Storage.Clients;

/// <summary>One statement over arrays: one round trip, one plan.</summary>
internal sealed class PostgreSqlUsageWriter : IUsageWriter
{
    private const string Counts = """
        insert into usage_hourly (client_id, hour, outcome, writer, count)
        select given.client_id, given.hour, given.outcome, '', given.count
        from unnest(@ClientIds, @Hours, @Outcomes, @Counts) as given (client_id, hour, outcome, count)
        on conflict (client_id, hour, outcome, writer) do update set count = usage_hourly.count + excluded.count
        """;

    // A time moves forward; but one that is more than a day ahead was stored under a clock that was wrong.
    private const string LastUses = """
        insert into last_used (client_id, kind, value, used_at)
        select given.client_id, given.kind, given.value, given.used_at
        from unnest(@ClientIds, @Kinds, @Values, @UsedAts) as given (client_id, kind, value, used_at)
        on conflict (client_id, kind, value) do update set used_at = excluded.used_at
        where last_used.used_at < excluded.used_at or last_used.used_at > excluded.used_at + interval '1 day'
        """;

    public Task WriteCountsAsync(
        DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            Counts,
            new
            {
                ClientIds = rows.Select(row => row.ClientId).ToArray(),
                Hours = rows.Select(row => new StoredTime(row.Hour).Utc).ToArray(),
                Outcomes = rows.Select(row => row.Outcome).ToArray(),
                Counts = rows.Select(row => row.Count).ToArray(),
            },
            transaction,
            cancellationToken: cancellationToken));

    public Task WriteLastUsesAsync(
        DbConnection connection, DbTransaction transaction, List<LastUse> rows, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            LastUses,
            new
            {
                ClientIds = rows.Select(row => row.ClientId).ToArray(),
                Kinds = rows.Select(row => row.Kind).ToArray(),
                Values = rows.Select(row => row.Value).ToArray(),
                UsedAts = rows.Select(row => new StoredTime(row.UsedAt).Utc).ToArray(),
            },
            transaction,
            cancellationToken: cancellationToken));
}
