using System.Data.Common;
using Dapper;

namespace AuthCluster.Storage.Clients;

/// <summary>Writes many usage rows at once, each database in its own fastest way.</summary>
internal abstract class UsageWriter
{
    public static UsageWriter Of(StorageProvider provider) => provider switch
    {
        StorageProvider.Sqlite => new SqliteUsageWriter(),
        StorageProvider.PostgreSql => new PostgreSqlUsageWriter(),
        _ => throw new NotSupportedException("SQL Server is not supported yet."),
    };

    public abstract Task WriteCountsAsync(
        DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken);

    public abstract Task WriteLastUsesAsync(
        DbConnection connection, DbTransaction transaction, List<LastUse> rows, CancellationToken cancellationToken);

    /// <summary>One prepared statement, run for each row: there is no network in between.</summary>
    private sealed class SqliteUsageWriter : UsageWriter
    {
        private const string Count = """
            insert into usage_hourly (client_id, hour, outcome, writer, count)
            values (@ClientId, @Hour, @Outcome, @Writer, @Count)
            on conflict (client_id, hour, outcome, writer) do update set count = excluded.count
            where usage_hourly.count < excluded.count
            """;

        private const string LastUsed = """
            insert into last_used (client_id, kind, value, used_at)
            values (@ClientId, @Kind, @Value, @UsedAt)
            on conflict (client_id, kind, value) do update set used_at = excluded.used_at
            where last_used.used_at < excluded.used_at
            """;

        public override async Task WriteCountsAsync(
            DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken)
        {
            await using var command = Prepare(connection, transaction, Count, "ClientId", "Hour", "Outcome", "Writer", "Count");
            foreach (var row in rows)
            {
                Fill(command, row.ClientId, new StoredTime(row.Hour).Microseconds, row.Outcome, row.Writer, row.Count);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        public override async Task WriteLastUsesAsync(
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

    /// <summary>One statement over arrays: one round trip, one plan.</summary>
    private sealed class PostgreSqlUsageWriter : UsageWriter
    {
        private const string Counts = """
            insert into usage_hourly (client_id, hour, outcome, writer, count)
            select given.client_id, given.hour, given.outcome, given.writer, given.count
            from unnest(@ClientIds, @Hours, @Outcomes, @Writers, @Counts) as given (client_id, hour, outcome, writer, count)
            on conflict (client_id, hour, outcome, writer) do update set count = excluded.count
            where usage_hourly.count < excluded.count
            """;

        private const string LastUses = """
            insert into last_used (client_id, kind, value, used_at)
            select given.client_id, given.kind, given.value, given.used_at
            from unnest(@ClientIds, @Kinds, @Values, @UsedAts) as given (client_id, kind, value, used_at)
            on conflict (client_id, kind, value) do update set used_at = excluded.used_at
            where last_used.used_at < excluded.used_at
            """;

        public override Task WriteCountsAsync(
            DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken) =>
            connection.ExecuteAsync(new CommandDefinition(
                Counts,
                new
                {
                    ClientIds = rows.Select(row => row.ClientId).ToArray(),
                    Hours = rows.Select(row => new StoredTime(row.Hour).Utc).ToArray(),
                    Outcomes = rows.Select(row => row.Outcome).ToArray(),
                    Writers = rows.Select(row => row.Writer).ToArray(),
                    Counts = rows.Select(row => row.Count).ToArray(),
                },
                transaction,
                cancellationToken: cancellationToken));

        public override Task WriteLastUsesAsync(
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
}
