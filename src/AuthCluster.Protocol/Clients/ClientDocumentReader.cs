using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>The result of reading a client document: the document, or what is wrong with it.</summary>
public sealed record ClientDocumentReading
{
    /// <summary>Whether there is a document; else there are errors.</summary>
    [MemberNotNullWhen(true, nameof(Document))]
    public bool Succeeded => Document is not null;

    /// <summary>The document.</summary>
    public ClientDocument? Document { get; init; }

    /// <summary>The secrets that came with the document; empty for none.</summary>
    public ImmutableArray<ClientSecretEntry> Secrets { get; init; } = [];

    /// <summary>What is wrong: a sentence for each field, by its path; <c>$</c> is the document as a whole. At most 50.</summary>
    public ImmutableSortedDictionary<string, string> Errors { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// Whether a member was refused because this version does not know it. A newer version may have stored it: then
    /// <see cref="ClientDocumentReader.ReadReplacement"/> accepts it beside the stored document.
    /// </summary>
    public bool HasUnknownMembers { get; init; }

    /// <summary>Prints nothing of the document.</summary>
    public override string ToString() => $"ClientDocumentReading({(Succeeded ? "good" : "bad")})";
}

/// <summary>The result of reading a file of client documents: the documents, or what is wrong with them.</summary>
public sealed record ClientsFileReading
{
    /// <summary>Whether the file is valid; else there are errors.</summary>
    public bool Succeeded => Errors.IsEmpty;

    /// <summary>The documents with their secrets, in the file's order.</summary>
    public ImmutableArray<ClientDocumentReading> Clients { get; init; } = [];

    /// <summary>What is wrong: a sentence for each field, by its path, as <c>[2].scopes[0]</c>. At most 50.</summary>
    public ImmutableSortedDictionary<string, string> Errors { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Prints nothing of the documents.</summary>
    public override string ToString() => $"ClientsFileReading({Clients.Length})";
}

/// <summary>
/// Reads client documents from strict JSON. Pure: it generates no ids, secrets or times.
/// </summary>
/// <remarks>The work grows only with the length of the text, whatever the text repeats or nests.</remarks>
public static class ClientDocumentReader
{
    /// <summary>Reads the document of a new client.</summary>
    /// <param name="utf8">The body.</param>
    /// <param name="generatedId">The id for a client that names none.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens, for a client that names none.</param>
    public static ClientDocumentReading ReadNew(ReadOnlyMemory<byte> utf8, ClientId generatedId, int serverLifetimeSeconds) =>
        Read(utf8, root => ClientDocumentParse.New(root, generatedId, serverLifetimeSeconds));

    /// <summary>Reads a document that replaces a client's (PUT).</summary>
    /// <param name="utf8">The body.</param>
    /// <param name="id">The client.</param>
    /// <param name="storedJson">
    /// The client's present document, as it is stored. A member that this version does not know is accepted when this document has it
    /// with the same value. Null to accept no unknown member.
    /// </param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens.</param>
    public static ClientDocumentReading ReadReplacement(ReadOnlyMemory<byte> utf8, ClientId id, string? storedJson, int serverLifetimeSeconds)
    {
        using var stored = storedJson is null ? null : JsonDocument.Parse(storedJson);
        return Read(utf8, root => ClientDocumentParse.Replacement(root, id, new StoredMembers(stored?.RootElement), serverLifetimeSeconds));
    }

    /// <summary>
    /// Reads a merge patch (RFC 7396). The merged document is then read as a replacement, so that members which a newer version
    /// stored are kept.
    /// </summary>
    /// <param name="utf8">The patch.</param>
    /// <param name="id">The client.</param>
    /// <param name="storedJson">The client's present document, as it is stored.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens.</param>
    public static ClientDocumentReading ReadPatch(ReadOnlyMemory<byte> utf8, ClientId id, string storedJson, int serverLifetimeSeconds) =>
        Read(utf8, patch =>
        {
            if (patch.ValueKind != JsonValueKind.Object)
            {
                return Refused(StrictJson.Root, "Must be a JSON object.");
            }

            var unknown = ClientDocumentParse.UnknownRemovals(patch);
            if (!unknown.IsEmpty)
            {
                return new ClientDocumentReading { Errors = unknown };
            }

            using var stored = JsonDocument.Parse(storedJson);
            return ReadReplacement(JsonMergePatch.Apply(stored.RootElement, patch), id, storedJson, serverLifetimeSeconds);
        });

    /// <summary>Reads a file of documents: a JSON list. Every document must name its id, and no two documents the same id.</summary>
    /// <param name="utf8">The file's content.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens, for a client that names none.</param>
    public static ClientsFileReading ReadFile(ReadOnlyMemory<byte> utf8, int serverLifetimeSeconds)
    {
        if (!StrictJson.TryParse(utf8, out var document, out var problem))
        {
            return new ClientsFileReading { Errors = Errors(problem.Path, problem.Problem) };
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? ReadAll(document.RootElement, serverLifetimeSeconds)
                : new ClientsFileReading { Errors = Errors(StrictJson.Root, "Must be a JSON list of client documents.") };
        }
    }

    /// <summary>
    /// Reads a document as it is stored. Members that this version does not know are ignored: a newer server may have written
    /// them.
    /// </summary>
    /// <param name="clientId">The client's id.</param>
    /// <param name="json">The document, as <see cref="ClientDocumentWriter.ToStoredJson"/> wrote it.</param>
    /// <exception cref="FormatException">The document can't be read, or belongs to another client.</exception>
    public static ClientDocument ReadStored(string clientId, string json)
    {
        if (!ClientId.TryParse(clientId, out var id))
        {
            throw new FormatException("The stored client has an id outside the grammar.");
        }

        try
        {
            using var stored = JsonDocument.Parse(json);
            var reading = ClientDocumentParse.Stored(stored.RootElement, id);
            return reading.Document
                ?? throw new FormatException($"The stored document is no client document: {reading.Errors.Keys.First()}: {reading.Errors.Values.First()}");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The reader throws InvalidOperationException for an escape that is half of a surrogate pair.
            throw new FormatException("The stored document is not JSON.", exception);
        }
    }

    internal static ClientDocumentReading Refused(string path, string problem) => new() { Errors = Errors(path, problem) };

    private static ClientDocumentReading Read(ReadOnlyMemory<byte> utf8, Func<JsonElement, ClientDocumentReading> parse)
    {
        if (!StrictJson.TryParse(utf8, out var document, out var problem))
        {
            return Refused(problem.Path, problem.Problem);
        }

        using (document)
        {
            return parse(document.RootElement);
        }
    }

    private static ClientsFileReading ReadAll(JsonElement list, int serverLifetimeSeconds)
    {
        var errors = new FieldErrors();
        var readings = ImmutableArray.CreateBuilder<ClientDocumentReading>(list.GetArrayLength());
        var ids = new HashSet<ClientId>();
        foreach (var element in list.EnumerateArray())
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"[{readings.Count}]");
            var reading = ClientDocumentParse.New(element, null, serverLifetimeSeconds);
            foreach (var (field, problem) in reading.Errors)
            {
                errors.Add(field == StrictJson.Root ? path : $"{path}.{field}", problem);
            }

            if (reading.Document is { } document && !ids.Add(document.ClientId))
            {
                errors.Add($"{path}.{ClientMembers.ClientId}", "Is the id of an earlier client of the file.");
            }

            readings.Add(reading);
        }

        return errors.Any
            ? new ClientsFileReading { Errors = errors.ToImmutable() }
            : new ClientsFileReading { Clients = readings.MoveToImmutable() };
    }

    private static ImmutableSortedDictionary<string, string> Errors(string path, string problem) =>
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(path, problem);
}
