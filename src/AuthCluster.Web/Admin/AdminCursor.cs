using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace AuthCluster.Web.Admin;

/// <summary>Where a page of the report on unused things ended.</summary>
internal sealed record UnusedCursor(string ClientId, string Kind, string Value);

/// <summary>Where a page of the report on expiring secrets ended.</summary>
internal sealed record ExpiringCursor(
    [property: JsonRequired] string ClientId, [property: JsonRequired] string SecretId, [property: JsonRequired] DateTimeOffset ExpiresAt);

/// <summary>Writes where a page ended as a word that callers pass back and don't look into.</summary>
internal static class AdminCursor
{
    public static string Write<T>(T cursor, JsonTypeInfo<T> type) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(cursor, type));

    /// <summary>Reads a word; false when the server never gave it.</summary>
    public static bool TryRead<T>(string word, JsonTypeInfo<T> type, out T? cursor)
        where T : class
    {
        cursor = null;
        try
        {
            cursor = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(word), type);
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentException)
        {
            return false;
        }

        return cursor is not null;
    }
}
