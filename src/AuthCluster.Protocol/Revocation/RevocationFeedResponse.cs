using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using AuthCluster.Protocol.Admin;

namespace AuthCluster.Protocol.Revocation;

/// <summary>One entry of the feed.</summary>
/// <param name="Kind"><c>token</c>, <c>client</c>, <c>key</c> or <c>all</c>.</param>
/// <param name="Value">The <c>jti</c>, client id or <c>kid</c>.</param>
/// <param name="Generation">A token of what is named is dead when its <c>gen</c> is below this.</param>
/// <param name="ExpiresAt">When no token that it ends can live any more.</param>
public readonly record struct RevocationFeedEntry(string Kind, string Value, long Generation, DateTimeOffset ExpiresAt);

/// <summary>Writes an answer of the feed: <c>{ "items": [ { "kind", "value", "gen", "expiresAt" } ], "next" }</c>.</summary>
public static class RevocationFeedResponse
{
    /// <summary>The answer as compact JSON, UTF-8.</summary>
    /// <param name="entries">The entries in the order in which they became visible.</param>
    /// <param name="next">What to ask after next.</param>
    public static ReadOnlyMemory<byte> Of(IEnumerable<RevocationFeedEntry> entries, string next)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("items"u8);
            foreach (var entry in entries)
            {
                json.WriteStartObject();
                json.WriteString("kind"u8, entry.Kind);
                json.WriteString("value"u8, entry.Value);
                json.WriteNumber("gen"u8, entry.Generation);
                json.WriteString("expiresAt"u8, Rfc3339.Format(entry.ExpiresAt));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("next"u8, next);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
