using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>What an answer says of a client in addition to its document.</summary>
public sealed record ClientAnswerMembers
{
    /// <summary>Whether the client may get tokens.</summary>
    public required bool Enabled { get; init; }

    /// <summary>When the client was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the client was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When the client last got a token; null for never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The ETag, in the items of a list; null to leave it out.</summary>
    public string? ETag { get; init; }

    /// <summary>The id of the first secret, in the answer to a creation; null to leave it out.</summary>
    public string? SecretId { get; init; }

    /// <summary>The secret that the server generated, which only this answer shows; null to leave it out.</summary>
    public string? Secret { get; init; }

    /// <summary>Prints nothing of the secret.</summary>
    public override string ToString() => "ClientAnswerMembers";
}

/// <summary>Writes client documents: as they are stored, and as the admin API answers them.</summary>
public static class ClientDocumentWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// The document as it is stored: compact JSON without <c>enabled</c> and the members that the server sets. A value that was not
    /// given and follows another value is left out. An unknown member is written as the newer version stored it.
    /// </summary>
    public static string ToStoredJson(ClientDocument document)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString(ClientMembers.ClientId, document.ClientId.Value);
            json.WriteString(ClientMembers.Name, document.Name);
            WriteList(json, ClientMembers.GrantTypes, document.GrantTypes);
            WriteList(json, ClientMembers.Scopes, document.Scopes);
            if (document.DefaultScopes is { } defaultScopes)
            {
                WriteList(json, ClientMembers.DefaultScopes, defaultScopes);
            }

            WriteList(json, ClientMembers.Audiences, document.Audiences);
            WriteList(json, ClientMembers.Introspects, document.Introspects);
            if (document.TokenLifetimeSeconds is { } lifetime)
            {
                json.WriteNumber(ClientMembers.TokenLifetimeSeconds, lifetime);
            }

            json.WriteNumber(ClientMembers.TokenReuseSeconds, document.TokenReuseSeconds);
            WriteList(json, ClientMembers.AuthMethods, document.AuthMethods.Select(method => method.Name()));
            WriteRateLimit(json, document.RateLimit);
            WriteQuota(json, document.Quota);
            json.WritePropertyName(ClientMembers.Claims);
            json.WriteRawValue(document.ClaimsJson ?? "{}");
            json.WriteStartObject(ClientMembers.Metadata);
            foreach (var (name, value) in document.Metadata)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            WriteUnknown(json, document.Unknown);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// Writes the document as the admin API answers it. Members of the stored document that this version does not know are
    /// answered too, so that a caller who sends it back does not drop them.
    /// </summary>
    /// <param name="writer">The buffer to write to.</param>
    /// <param name="storedJson">The document, as <see cref="ToStoredJson"/> wrote it.</param>
    /// <param name="members">The other members.</param>
    public static void WriteAnswer(IBufferWriter<byte> writer, string storedJson, ClientAnswerMembers members)
    {
        using var stored = JsonDocument.Parse(storedJson);
        using var json = new Utf8JsonWriter(writer, Options);
        json.WriteStartObject();
        foreach (var member in stored.RootElement.EnumerateObject())
        {
            member.WriteTo(json);
        }

        json.WriteBoolean(ClientMembers.Enabled, members.Enabled);
        json.WriteString(ClientMembers.CreatedAt, Rfc3339.Format(members.CreatedAt));
        json.WriteString(ClientMembers.UpdatedAt, Rfc3339.Format(members.UpdatedAt));
        WriteOptional(json, ClientMembers.LastUsedAt, members.LastUsedAt is { } lastUsedAt ? Rfc3339.Format(lastUsedAt) : null);
        WriteOptional(json, ClientMembers.ETag, members.ETag);
        WriteOptional(json, ClientMembers.SecretId, members.SecretId);
        WriteOptional(json, ClientMembers.Secret, members.Secret);
        json.WriteEndObject();
    }

    private static void WriteRateLimit(Utf8JsonWriter json, ClientRateLimit? limit)
    {
        if (limit is null)
        {
            return;
        }

        json.WriteStartObject(ClientMembers.RateLimit);
        json.WriteNumber(ClientMembers.TokensPerSecond, limit.TokensPerSecond);
        if (limit.RegisteredBurst is { } burst)
        {
            json.WriteNumber(ClientMembers.Burst, burst);
        }

        json.WriteBoolean(ClientMembers.Enforce, limit.Enforce);
        WriteUnknown(json, limit.Unknown);
        json.WriteEndObject();
    }

    private static void WriteQuota(Utf8JsonWriter json, ClientQuota? quota)
    {
        if (quota is null)
        {
            return;
        }

        json.WriteStartObject(ClientMembers.Quota);
        json.WriteNumber(ClientMembers.Tokens, quota.Tokens);
        json.WriteString(ClientMembers.Per, quota.Per.Name);
        json.WriteBoolean(ClientMembers.Enforce, quota.Enforce);
        WriteUnknown(json, quota.Unknown);
        json.WriteEndObject();
    }

    private static void WriteUnknown(Utf8JsonWriter json, ImmutableSortedDictionary<string, string> members)
    {
        foreach (var (name, value) in members)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
    }

    private static void WriteList(Utf8JsonWriter json, string member, IEnumerable<string> items)
    {
        json.WriteStartArray(member);
        foreach (var item in items)
        {
            json.WriteStringValue(item);
        }

        json.WriteEndArray();
    }

    private static void WriteOptional(Utf8JsonWriter json, string member, string? value)
    {
        if (value is not null)
        {
            json.WriteString(member, value);
        }
    }
}
