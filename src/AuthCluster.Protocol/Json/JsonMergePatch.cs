using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AuthCluster.Protocol.Json;

/// <summary>JSON Merge Patch (RFC 7396 section 2).</summary>
public static class JsonMergePatch
{
    /// <summary>The media type of a merge patch.</summary>
    public const string ContentType = "application/merge-patch+json";

    internal static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Applies a patch.</summary>
    /// <param name="target">The JSON to patch.</param>
    /// <param name="patch">The patch.</param>
    /// <returns>The result as compact JSON, UTF-8.</returns>
    public static byte[] Apply(JsonElement target, JsonElement patch)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            Write(target, patch, writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(JsonElement? target, JsonElement patch, Utf8JsonWriter writer)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            patch.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        var patched = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in patch.EnumerateObject())
        {
            patched[member.Name] = member.Value;
        }

        if (target is { ValueKind: JsonValueKind.Object } old)
        {
            foreach (var member in old.EnumerateObject())
            {
                if (patched.Remove(member.Name, out var change))
                {
                    WriteMember(member.Name, member.Value, change, writer);
                }
                else
                {
                    member.WriteTo(writer);
                }
            }
        }

        foreach (var (name, value) in patched)
        {
            WriteMember(name, null, value, writer);
        }

        writer.WriteEndObject();
    }

    private static void WriteMember(string name, JsonElement? target, JsonElement change, Utf8JsonWriter writer)
    {
        if (change.ValueKind != JsonValueKind.Null)
        {
            writer.WritePropertyName(name);
            Write(target, change, writer);
        }
    }
}
