using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Revocation;

namespace AuthCluster.Protocol;

/// <summary>How the documents of the OAuth RFCs are written: names by the snake-case policy, members without a value left out.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ServerMetadataDocument))]
[JsonSerializable(typeof(IntrospectionDocument))]
[JsonSerializable(typeof(EcKeyDocument))]
[JsonSerializable(typeof(RsaKeyDocument))]
internal sealed partial class ProtocolJson : JsonSerializerContext;

/// <summary>How the product's own documents are written: names in camel case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RevocationFeedDocument))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>Writes a list of one as a string, as RFC 7519 section 4.1.3 lets <c>aud</c> be. Never reads.</summary>
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
