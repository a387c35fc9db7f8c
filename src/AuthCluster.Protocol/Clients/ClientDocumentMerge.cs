using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Protocol.Clients;

/// <summary>The result of a merge patch (RFC 7396) on a client: the client's new document, or what is wrong with the patch.</summary>
public sealed record ClientDocumentMerge
{
    private ClientDocumentMerge()
    {
    }

    /// <summary>Whether there is a new document; else there are errors.</summary>
    [MemberNotNullWhen(true, nameof(DocumentJson))]
    public bool Succeeded => DocumentJson is not null;

    /// <summary>The new document as it is stored.</summary>
    public string? DocumentJson { get; private init; }

    /// <summary>Whether the client shall be enabled; null for no change.</summary>
    public bool? Enabled { get; private init; }

    /// <summary>What is wrong, by field.</summary>
    public ImmutableSortedDictionary<string, string> Errors { get; private init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Merges a patch with a client's document and validates the result like the document of a PUT. Pure.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="storedJson">The client's present document, as it is stored.</param>
    /// <param name="patch">The patch, as the caller sent it.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens, for a client that names none.</param>
    /// <exception cref="FormatException">The client id is outside the grammar.</exception>
    public static ClientDocumentMerge Of(string clientId, string storedJson, ReadOnlyMemory<byte> patch, int serverLifetimeSeconds)
    {
        if (!ClientId.TryParse(clientId, out var id))
        {
            throw new FormatException("The stored client has an id outside the grammar.");
        }

        var reading = ClientDocumentReader.ReadPatch(patch, id, storedJson, serverLifetimeSeconds);
        return reading.Succeeded
            ? new ClientDocumentMerge { DocumentJson = ClientDocumentWriter.ToStoredJson(reading.Document), Enabled = reading.Document.Enabled }
            : new ClientDocumentMerge { Errors = reading.Errors };
    }

    /// <summary>Prints nothing of the document.</summary>
    public override string ToString() => $"ClientDocumentMerge({(Succeeded ? "good" : "bad")})";
}
