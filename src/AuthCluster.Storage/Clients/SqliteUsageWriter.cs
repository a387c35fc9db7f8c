using System.Data.Common;

namespace AuthCluster.Storage.Clients;

/// <summary>One prepared statement, run for each row: there is no network in between.</summary>
internal sealed class SqliteUsageWriter : IUsageWriter
{
    private const string Count = """
        insert into usage_hourly (client_id, hour, outcome, writer, count)
        values (@ClientId, @Hour, @Outcome, '', @Count)
        on conflict (client_id, hour, outcome, writer) do update set count = usage_hourly.count + excluded.count
        """;

    // A time moves forward; but one that is more than a day ahead was stored under a clock that was wrong.
    private const string LastUsed = """
        insert into last_used (client_id, kind, value, used_at)
        values (@ClientId, @Kind, @Value, @UsedAt)
        on conflict (client_id, kind, value) do update set used_at = excluded.used_at
        where last_used.used_at < excluded.used_at or last_used.used_at > excluded.used_at + 86400000000
        """;

    public async Task WriteCountsAsync(
        DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken)
    {
        await using var command = Prepare(connection, transaction, Count, "ClientId", "Hour", "Outcome", "Count");
        foreach (var row in rows)
        {
            Fill(command, row.ClientId, new StoredTime(row.Hour).Microseconds, row.Outcome, row.Count);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    public async Task WriteLastUsesAsync(
        DbConnection connection, DbTransaction transaction, List<LastUse> rows, CancellationToken cancellationToken)
    {
        await using var command = Prepare(connection, transaction, LastUsed, "ClientId", "Kind", "Value", "UsedAt");
        foreach (var row in rows)
        {
            Fill(command, row.ClientId, row.Kind, row.Value, new StoredTime(row.UsedAt).Microseconds);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static DbCommand Prepare(DbConnection connection, DbTransaction transaction, string sql, params ReadOnlySpan<string> names)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // The text is one of the two constants above.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in names)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void Fill(DbCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }
    }
}
