using System.Globalization;

namespace AuthCluster.Storage.Revocation;

/// <summary>A place in the feed, as readers keep it: opaque to them, worthless in another database.</summary>
/// <param name="Provider">The database that gave it.</param>
/// <param name="Floor">The generation floor under which it was given.</param>
/// <param name="Position">The last row's number.</param>
internal readonly record struct FeedCursor(StorageProvider Provider, long Floor, long Position)
{
    public string Write() => string.Create(CultureInfo.InvariantCulture, $"{Letter(Provider)}{Floor}-{Position}");

    /// <summary>Reads a cursor; the beginning when it is none that this database gave under this floor.</summary>
    public static FeedCursor Read(string? text, StorageProvider provider, long floor)
    {
        var beginning = new FeedCursor(provider, floor, 0);
        if (text is null
            || !long.TryParse(text.AsSpan(text.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var position))
        {
            return beginning;
        }

        var cursor = beginning with { Position = position };
        return cursor.Write() == text ? cursor : beginning;
    }

    private static char Letter(StorageProvider provider) => provider switch
    {
        StorageProvider.Sqlite => 'l',
        StorageProvider.PostgreSql => 'p',
        _ => 's',
    };
}
