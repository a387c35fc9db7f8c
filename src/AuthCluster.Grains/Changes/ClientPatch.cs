using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Changes;

/// <summary>What a merge patch makes of a client: its new document, or what is wrong with that.</summary>
/// <param name="Document">The new document as it is stored; null where there are problems.</param>
/// <param name="Enabled">Whether the client shall be enabled; null leaves it as it is.</param>
/// <param name="Problems">What is wrong.</param>
internal sealed record ClientPatch(JsonElement? Document, bool? Enabled, ImmutableArray<FieldProblem> Problems)
{
    /// <summary>Merges a patch (RFC 7396) with a client's document and validates the result as that of a PUT. Pure.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="document">The client's present document, as it is stored.</param>
    /// <param name="patch">The patch, as the caller sent it.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens, for a client that names none.</param>
    public static ClientPatch Merge(string clientId, JsonElement document, ImmutableArray<byte> patch, int serverLifetimeSeconds)
    {
        if (!ClientId.TryParse(clientId, out var id))
        {
            throw new FormatException("The stored client has an id outside the grammar.");
        }

        var reading = ClientDocumentReader.ReadPatch(
            ImmutableCollectionsMarshal.AsArray(patch), id, document.GetRawText(), serverLifetimeSeconds);
        return reading.Succeeded
            ? new ClientPatch(JsonElement.Parse(ClientDocumentWriter.ToStoredJson(reading.Document)), reading.Document.Enabled, [])
            : new ClientPatch(null, null, [.. reading.Errors.Select(error => new FieldProblem(error.Key, error.Value))]);
    }
}
