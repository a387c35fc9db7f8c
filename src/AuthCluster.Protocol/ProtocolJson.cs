using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Revocation;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol;

/// <summary>How the documents of the OAuth RFCs are written: names in snake case, without the members that have no value.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenDocument))]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(AccessTokenDocument))]
[JsonSerializable(typeof(ServerMetadataDocument))]
[JsonSerializable(typeof(IntrospectionDocument))]
[JsonSerializable(typeof(EcKeyDocument))]
[JsonSerializable(typeof(RsaKeyDocument))]
internal sealed partial class ProtocolJson : JsonSerializerContext
{
    // No reader treats these documents as HTML.
    private static readonly JsonWriterOptions WithoutHtmlEscapes = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a document as compact JSON, UTF-8.</summary>
    public static void Write<T>(IBufferWriter<byte> writer, T document, JsonTypeInfo<T> type)
    {
        using var json = new Utf8JsonWriter(writer, WithoutHtmlEscapes);
        JsonSerializer.Serialize(json, document, type);
    }
}

/// <summary>How the product's own documents are written: names in camel case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RevocationFeedDocument))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>Writes a list of one entry as a string, which RFC 7519 section 4.1.3 allows for <c>aud</c>. Reading is not supported.</summary>
internal sealed class OneOrManyConverter : JsonConverter<ImmutableArray<string>>
{
    public override ImmutableArray<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, ImmutableArray<string> value, JsonSerializerOptions options)
    {
        if (value.Length == 1)
        {
            writer.WriteStringValue(value[0]);
            return;
        }

        writer.WriteStartArray();
        foreach (var one in value)
        {
            writer.WriteStringValue(one);
        }

        writer.WriteEndArray();
    }
}
