using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace AuthCluster.Web.Admin;

/// <summary>Where a page ended.</summary>
internal interface IAdminCursor
{
    /// <summary>Whether every part has the form that the server gives it. Others are not passed to the database.</summary>
    bool IsWellFormed { get; }
}

/// <summary>Where a page of the report on unused things ended.</summary>
internal sealed record UnusedCursor(
    [property: JsonRequired] string ClientId, [property: JsonRequired] string Kind, [property: JsonRequired] string Value) : IAdminCursor
{
    [JsonIgnore]
    public bool IsWellFormed => Protocol.Clients.ClientId.TryParse(ClientId, out _) && AdminCursor.IsWord(Kind) && AdminCursor.IsWord(Value);
}

/// <summary>Where a page of the report on expiring secrets ended.</summary>
internal sealed record ExpiringCursor(
    [property: JsonRequired] string ClientId, [property: JsonRequired] string SecretId, [property: JsonRequired] DateTimeOffset ExpiresAt) : IAdminCursor
{
    [JsonIgnore]
    public bool IsWellFormed => Protocol.Clients.ClientId.TryParse(ClientId, out _) && AdminCursor.IsWord(SecretId);
}

/// <summary>Encodes where a page ended as an opaque word that callers pass back.</summary>
internal static class AdminCursor
{
    /// <summary>The parameter that takes it.</summary>
    public const string Parameter = "after";

    /// <summary>The problem of a word that the server never gave.</summary>
    public const string NeverGiven = "Is nothing that a page gave as its next.";

    public static string Write<T>(T cursor, JsonTypeInfo<T> type) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(cursor, type));

    /// <summary>Reads a word; false when the server never gave it.</summary>
    public static bool TryRead<T>(string word, JsonTypeInfo<T> type, out T? cursor)
        where T : class, IAdminCursor
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

        cursor = cursor is { IsWellFormed: true } ? cursor : null;
        return cursor is not null;
    }

    /// <summary>Whether a text is of printable ASCII without spaces, as kinds, scopes and ids of secrets are; it may be empty.</summary>
    public static bool IsWord(string? text) => text is not null && !text.AsSpan().ContainsAnyExceptInRange('!', '~');
}
