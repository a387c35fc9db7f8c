using System.Collections.Immutable;
using System.Data.Common;
using System.Runtime.InteropServices;

namespace AuthCluster.Storage;

/// <summary>Reads columns whose types differ between the three databases.</summary>
internal static class RowReading
{
    public static DateTimeOffset Time(this DbDataReader row, int column) => StoredTime.Read(row, column);

    public static DateTimeOffset? TimeOrNull(this DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : StoredTime.Read(row, column);

    public static string? TextOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static ImmutableArray<byte> Bytes(this DbDataReader row, int column) =>
        ImmutableCollectionsMarshal.AsImmutableArray(row.GetFieldValue<byte[]>(column));

    /// <summary>The bytes as a driver wants them, without a copy: nobody here changes them.</summary>
    public static byte[]? Raw(this ImmutableArray<byte> bytes) => ImmutableCollectionsMarshal.AsArray(bytes);
}
