using System.Text.Json;
using System.Text.Json.Serialization;

namespace AuthCluster.Client.Clients;

/// <summary>The authorization server's metadata document (RFC 8414 §2), the members that a client needs. Each is judged when it is needed.</summary>
internal sealed record ServerMetadata
{
    /// <summary>The issuer identifier.</summary>
    [JsonConverter(typeof(TextOrNothing))]
    public string? Issuer { get; init; }

    /// <summary>Where tokens are asked for.</summary>
    [JsonConverter(typeof(TextOrNothing))]
    public string? TokenEndpoint { get; init; }

    /// <summary>Where a token's state is asked for (RFC 7662).</summary>
    [JsonConverter(typeof(TextOrNothing))]
    public string? IntrospectionEndpoint { get; init; }
}

/// <summary>Reads a member that is no text as one that is not there, so that it spoils no other member.</summary>
internal sealed class TextOrNothing : JsonConverter<string?>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return null;
        }

        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair is no text either.
            return null;
        }
    }

    public override void Write(Utf8JsonWriter writer, string? value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
