using System.Globalization;

namespace AuthCluster.Storage.Revocation;

/// <summary>A place in the feed, as readers keep it: opaque to them, worthless in another database.</summary>
/// <param name="Provider">The database that gave it.</param>
/// <param name="Floor">The generation floor under which it was given.</param>
/// <param name="Transaction">PostgreSQL's transaction id; 0 elsewhere.</param>
/// <param name="Position">The row's number.</param>
internal readonly record struct FeedCursor(StorageProvider Provider, long Floor, ulong Transaction, long Position)
{
    public string Write() => string.Create(
        CultureInfo.InvariantCulture, $"{Letter(Provider)}{Floor}-{Transaction}-{Position}");

    /// <summary>Reads a cursor; the beginning when it is none that this database gave under this floor.</summary>
    public static FeedCursor Read(string? text, StorageProvider provider, long floor)
    {
        var beginning = new FeedCursor(provider, floor, 0, 0);
        if (string.IsNullOrEmpty(text) || text[0] != Letter(provider))
        {
            return beginning;
        }

        var parts = text[1..].Split('-');
        return parts.Length == 3
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given == floor
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var transaction)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                ? beginning with { Transaction = transaction, Position = position }
                : beginning;
    }

    private static char Letter(StorageProvider provider) => provider switch
    {
        StorageProvider.Sqlite => 'l',
        StorageProvider.PostgreSql => 'p',
        _ => 's',
    };
}
