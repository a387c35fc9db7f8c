using System.Data.Common;

namespace AuthCluster.Storage.Cluster;

/// <summary>A row of the fence's reading: the ring and the floor, and one silo where there is any.</summary>
/// <param name="Version">The version of the key ring.</param>
/// <param name="Floor">The generation floor.</param>
/// <param name="IsWhole">Whether the version and the floor are of one moment.</param>
/// <param name="Silo">The silo.</param>
internal readonly record struct FenceRow(long Version, long Floor, bool IsWhole, SiloRow? Silo)
{
    public static FenceRow Of(DbDataReader row) => new(
        row.GetInt64(0),
        row.GetInt64(1),
        row.GetInt32(2) == 1,
        row.TextOrNull(3) is { } address
            ? new SiloRow(
                address,
                row.GetInt32(4),
                row.GetInt32(5),
                row.GetString(6),
                row.GetInt32(7),
                // A clock that was set back makes no death lie in the future.
                row.IsDBNull(8) ? null : TimeSpan.FromMicroseconds(Math.Max(0, row.GetInt64(8))),
                row.GetInt32(9) == 1,
                row.IsDBNull(10) ? null : TimeSpan.FromMilliseconds(row.GetInt64(10)))
            : null);

    /// <summary>Whether no change of the ring came between the parts of the reading. If one did, the reading has to be made again.</summary>
    public static bool AreWhole(List<FenceRow> rows) => rows is not [{ IsWhole: false }, ..];

    /// <summary>All rows as one reading; null when there is no key ring.</summary>
    public static FenceReading? ReadingOf(List<FenceRow> rows) => rows is [var first, ..]
        ? new FenceReading(first.Version, first.Floor, [.. rows.Select(row => row.Silo).OfType<SiloRow>()])
        : null;
}
