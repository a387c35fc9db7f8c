using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Revocation;

/// <summary>One entry of the feed.</summary>
/// <param name="Kind"><c>token</c>, <c>client</c>, <c>key</c> or <c>all</c>.</param>
/// <param name="Value">The <c>jti</c>, client id or <c>kid</c>; <c>*</c> for <c>all</c>.</param>
/// <param name="Generation">A token that the entry names is not valid when its <c>gen</c> is below this.</param>
/// <param name="ExpiresAt">When every token that the entry revokes has expired.</param>
public readonly record struct RevocationFeedEntry(string Kind, string Value, long Generation, DateTimeOffset ExpiresAt);

/// <summary>Writes an answer of the feed: <c>{ "items": [ { "kind", "value", "gen", "expiresAt" } ], "next" }</c>.</summary>
public static class RevocationFeedResponse
{
    /// <summary>The answer as compact JSON, UTF-8.</summary>
    /// <param name="entries">The entries in the order in which they became visible.</param>
    /// <param name="next">The cursor for the next request.</param>
    public static ReadOnlyMemory<byte> Of(IEnumerable<RevocationFeedEntry> entries, string next)
    {
        var document = new RevocationFeedDocument(
            [.. entries.Select(entry => new RevocationFeedItem(entry.Kind, entry.Value, entry.Generation, Rfc3339.Format(entry.ExpiresAt)))], next);
        return JsonSerializer.SerializeToUtf8Bytes(document, ApiJson.Default.RevocationFeedDocument);
    }
}

/// <summary>The members of an answer of the feed, in their order.</summary>
internal sealed record RevocationFeedDocument(IReadOnlyList<RevocationFeedItem> Items, string Next);

/// <summary>The members of an entry, in their order.</summary>
internal sealed record RevocationFeedItem(string Kind, string Value, long Gen, string ExpiresAt);
