using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace AuthCluster.Storage;

/// <summary>
/// A time as all three databases can keep it: UTC, cut to the microsecond. SQLite has no type for it and holds
/// microseconds since 1970; the others have their own.
/// </summary>
internal readonly record struct StoredTime
{
    private const long TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;

    static StoredTime() => SqlMapper.AddTypeHandler(new Handler());

    public StoredTime(DateTimeOffset time) =>
        Utc = new DateTime(time.UtcTicks - (time.UtcTicks % TicksPerMicrosecond), DateTimeKind.Utc);

    public DateTime Utc { get; }

    public long Microseconds => (Utc.Ticks - DateTime.UnixEpoch.Ticks) / TicksPerMicrosecond;

    public static StoredTime? Of(DateTimeOffset? time) => time is { } given ? new StoredTime(given) : null;

    public static DateTimeOffset FromMicroseconds(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + (microseconds * TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>Reads a time from any of the three databases.</summary>
    public static DateTimeOffset Read(DbDataReader row, int column) => row.GetValue(column) switch
    {
        long microseconds => FromMicroseconds(microseconds),
        DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
        DateTimeOffset time => time.ToUniversalTime(),
        var other => throw new InvalidCastException($"A stored time has the type {other.GetType()}."),
    };

    /// <summary>Sets a parameter of any of the three databases.</summary>
    public static void Set(IDbDataParameter parameter, StoredTime time)
    {
        switch (parameter)
        {
            case SqliteParameter:
                parameter.Value = time.Microseconds;
                break;
            case SqlParameter sql:
                sql.SqlDbType = SqlDbType.DateTime2;
                sql.Scale = 6;
                sql.Value = time.Utc;
                break;
            default:
                // Npgsql sends a DateTime of kind UTC as timestamptz.
                parameter.Value = time.Utc;
                break;
        }
    }

    private sealed class Handler : SqlMapper.TypeHandler<StoredTime>
    {
        public override StoredTime Parse(object value) => throw new NotSupportedException("Rows are read by column, not mapped.");

        public override void SetValue(IDbDataParameter parameter, StoredTime value) => Set(parameter, value);
    }
}
