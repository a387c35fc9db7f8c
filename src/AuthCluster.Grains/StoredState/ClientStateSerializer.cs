using System.Text.Json;
using System.Text.Json.Serialization;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Orleans.Storage;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// Writes grain state as camelCase JSON that an operator can read in SQL; a client's state with rows as the envelope that the write query unpacks.
/// </summary>
/// <remarks>
/// By reflection, not by the source generator: that one takes init-only members for constructor parameters, so
/// that a member which an older row lacks would lose its initial value, and extension data is refused.
/// </remarks>
internal sealed class ClientStateSerializer(StorageProvider provider) : IGrainStorageSerializer
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public BinaryData Serialize<T>(T? input) => input is ClientState { Rows: { } rows } state
        ? new BinaryData(ClientRowsEnvelope.Write(provider, rows, json => JsonSerializer.Serialize(json, state, Options)))
        : new BinaryData(JsonSerializer.SerializeToUtf8Bytes(input, Options));

    public T Deserialize<T>(BinaryData input) =>
        JsonSerializer.Deserialize<T>(input.ToMemory().Span, Options)
        ?? throw new JsonException("A stored state is the JSON literal null.");
}
