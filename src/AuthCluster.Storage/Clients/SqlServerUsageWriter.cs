using System.Data;
using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.Data.SqlClient.Server;

namespace AuthCluster.Storage.Clients;

/// <summary>One table-valued parameter, an update and an insert from it: one round trip.</summary>
internal sealed class SqlServerUsageWriter : IUsageWriter
{
    private const byte MicrosecondScale = 6;

    // Two silos may count for the same client, and use it: without taking turns, both would insert its row or wait for each other's.
    private const string TakeTurn = """
        set nocount on;
        declare @result int;
        exec @result = sp_getapplock @Resource = N'authcluster-last-used', @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = 2000;
        if @result < 0 throw 51222, N'The usage is being written by others for too long.', 1;

        """;

    // The table of the rows has a column for the writer, which is empty since silos add to the rows of each other.
    private const string Counts = TakeTurn + """
        update stored
        set count = stored.count + given.count
        from usage_hourly stored
        join @Rows given on given.client_id = stored.client_id and given.hour = stored.hour
            and given.outcome = stored.outcome and given.writer = stored.writer;
        insert into usage_hourly (client_id, hour, outcome, writer, count)
        select given.client_id, given.hour, given.outcome, given.writer, given.count
        from @Rows given
        where not exists (
            select 1 from usage_hourly stored
            where stored.client_id = given.client_id and stored.hour = given.hour
                and stored.outcome = given.outcome and stored.writer = given.writer);
        """;

    // A time moves forward; but one that is more than a day ahead was stored under a clock that was wrong.
    private const string LastUses = TakeTurn + """
        update stored
        set used_at = given.used_at
        from last_used stored
        join @Rows given on given.client_id = stored.client_id and given.kind = stored.kind and given.value = stored.value
        where stored.used_at < given.used_at or stored.used_at > dateadd(day, 1, given.used_at);
        insert into last_used (client_id, kind, value, used_at)
        select given.client_id, given.kind, given.value, given.used_at
        from @Rows given
        where not exists (
            select 1 from last_used stored
            where stored.client_id = given.client_id and stored.kind = given.kind and stored.value = given.value);
        """;

    public Task WriteCountsAsync(
        DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, transaction, Counts, "usage_count_row", CountRecords(rows), cancellationToken);

    public Task WriteLastUsesAsync(
        DbConnection connection, DbTransaction transaction, List<LastUse> rows, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, transaction, LastUses, "last_use_row", LastUseRecords(rows), cancellationToken);

    private static async Task ExecuteAsync(
        DbConnection connection,
        DbTransaction transaction,
        string sql,
        string type,
        IEnumerable<SqlDataRecord> records,
        CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // The text is one of the two constants above.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Parameters.Add(new SqlParameter("@Rows", SqlDbType.Structured) { TypeName = type, Value = records });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static IEnumerable<SqlDataRecord> CountRecords(List<UsageCount> rows)
    {
        var record = new SqlDataRecord(
            new SqlMetaData("client_id", SqlDbType.NVarChar, 200),
            new SqlMetaData("hour", SqlDbType.DateTime2, 0, MicrosecondScale),
            new SqlMetaData("outcome", SqlDbType.NVarChar, 64),
            new SqlMetaData("writer", SqlDbType.NVarChar, 64),
            new SqlMetaData("count", SqlDbType.BigInt));
        foreach (var row in rows)
        {
            record.SetString(0, row.ClientId);
            record.SetDateTime(1, new StoredTime(row.Hour).Utc);
            record.SetString(2, row.Outcome);
            record.SetString(3, "");
            record.SetInt64(4, row.Count);
            yield return record;
        }
    }

    private static IEnumerable<SqlDataRecord> LastUseRecords(List<LastUse> rows)
    {
        var record = new SqlDataRecord(
            new SqlMetaData("client_id", SqlDbType.NVarChar, 200),
            new SqlMetaData("kind", SqlDbType.NVarChar, 20),
            new SqlMetaData("value", SqlDbType.NVarChar, 128),
            new SqlMetaData("used_at", SqlDbType.DateTime2, 0, MicrosecondScale));
        foreach (var row in rows)
        {
            record.SetString(0, row.ClientId);
            record.SetString(1, row.Kind);
            record.SetString(2, row.Value);
            record.SetDateTime(3, new StoredTime(row.UsedAt).Utc);
            yield return record;
        }
    }
}
