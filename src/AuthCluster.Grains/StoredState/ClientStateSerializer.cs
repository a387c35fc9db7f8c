using System.Text.Json;
using System.Text.Json.Serialization;
using AuthCluster.Storage;
using AuthCluster.Storage.Clients;
using Orleans.Storage;

namespace AuthCluster.Grains.StoredState;

/// <summary>
/// Writes grain state as camelCase JSON that an operator can read in SQL. A client's state with <see cref="ClientState.Rows"/> is wrapped in the
/// envelope that the write query unpacks.
/// </summary>
/// <remarks>
/// It uses reflection: the source generator treats init-only members as constructor parameters, so a member that an older row lacks
/// would lose its initial value, and it refuses extension data.
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
