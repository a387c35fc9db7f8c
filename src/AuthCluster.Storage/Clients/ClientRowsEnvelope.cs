using System.Buffers;
using System.Globalization;
using System.Text.Json;
using AuthCluster.Contracts.Admin;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Clients;

/// <summary>
/// The payload of a write that stores a client's state together with the rows that record the change. The write query (see
/// <c>0016_tell_rows_with_state</c>) inserts the rows and stores the state alone.
/// </summary>
/// <remarks>
/// <para>Each row's members are named after its columns and hold what the columns hold. The SQL has two rules. An older version of the
/// client replaces nothing of a later one. And the parts (scopes, secrets) that the new version lacks are deleted with their last uses; of a
/// part that is new, the uses before the change are deleted.</para>
/// <para>The payload is ASCII, with everything else escaped, so that it reads the same under every encoding.</para>
/// </remarks>
public static class ClientRowsEnvelope
{
    // The SQL recognises an envelope by its first 14 bytes. No state begins with them: known members come before those that a build does not know.
    private const string RowsName = "rowsToTell";
    private const string StateName = "stateToKeep";

    /// <summary>Writes an envelope, as JSON in UTF-8.</summary>
    /// <param name="provider">The database that it is for.</param>
    /// <param name="rows">The rows to insert.</param>
    /// <param name="writeState">Writes the state that is to be stored, as one JSON value.</param>
    public static ReadOnlyMemory<byte> Write(StorageProvider provider, ClientRows rows, Action<Utf8JsonWriter> writeState)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(writeState);
        var payload = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            json.WritePropertyName(RowsName);
            WriteRows(new RowWriter(json, provider), rows);
            json.WritePropertyName(StateName);
            writeState(json);
            json.WriteEndObject();
        }

        return payload.WrittenMemory;
    }

    private static void WriteRows(RowWriter row, ClientRows rows)
    {
        row.Json.WriteStartObject();
        row.Json.WriteStartArray("audit");
        foreach (var (record, clientId) in rows.Audit)
        {
            WriteAudit(row, record, clientId);
        }

        row.Json.WriteEndArray();
        if (rows.Catalogue is { } client)
        {
            WriteCatalogue(row, client);
            WriteParts(row, client);
        }

        row.Json.WriteStartArray("revocations");
        foreach (var item in rows.Revocations)
        {
            WriteRevocation(row, item);
        }

        row.Json.WriteEndArray();
        row.Json.WriteEndObject();
    }

    private static void WriteAudit(RowWriter row, AuditRecord record, string clientId)
    {
        row.Json.WriteStartObject();
        row.Text("audit_id", record.AuditId);
        row.Time("occurred_at", record.At);
        row.Text("actor", StoredText.Fit(record.Actor, AuditStore.MaxActorLength));
        row.Text("action", record.Action);
        row.Text("target", StoredText.Fit(record.Target, AuditStore.MaxTargetLength));
        row.Text("client_id", clientId);
        row.Text("remote_address", StoredText.Fit(record.RemoteAddress, AuditStore.MaxRemoteAddressLength));
        row.Text("request_id", StoredText.Fit(record.RequestId, AuditStore.MaxRequestIdLength));
        row.Text("before_json", record.BeforeJson);
        row.Text("after_json", record.AfterJson);
        row.Json.WriteEndObject();
    }

    private static void WriteCatalogue(RowWriter row, CatalogueEntry client)
    {
        row.Json.WriteStartObject("catalogue");
        row.Text("client_id", client.ClientId);
        row.Text("name", StoredText.Name(client.Name));
        row.Text("name_key", StoredText.NameKey(client.Name));
        row.Text("owner", CatalogueStore.OwnerKey(client.Owner));
        row.Json.WriteBoolean("enabled", client.Enabled);
        row.Json.WriteBoolean("is_admin", client.IsAdmin);
        row.Json.WriteBoolean("deleted", client.Deleted);
        row.Text("document", client.Document);
        row.Text("etag", client.ETag);
        row.Json.WriteNumber("version", client.Version);
        row.Time("created_at", client.CreatedAt);
        row.Time("updated_at", client.UpdatedAt);
        row.Json.WriteEndObject();
    }

    /// <summary>The parts, each once: a part that is named twice must not block the client's change.</summary>
    private static void WriteParts(RowWriter row, CatalogueEntry client)
    {
        // Uses are stored by whole minutes; a use in the minute of the change counts.
        row.Time("uses_count_from", client.UpdatedAt.AddTicks(-(client.UpdatedAt.UtcTicks % TimeSpan.TicksPerMinute)));
        row.Json.WriteStartArray("parts");
        IEnumerable<CataloguePart> parts = client.Deleted
            ? []
            : client.Parts
                .Prepend(new CataloguePart(CataloguePart.ClientKind, "", null, client.CreatedAt, null))
                .DistinctBy(part => (part.Kind, part.Value));
        foreach (var part in parts)
        {
            row.Json.WriteStartObject();
            row.Text("kind", part.Kind);
            row.Text("value", part.Value);
            row.Text("label", part.Label is { } label ? StoredText.Name(label) : null);
            row.Time("created_at", part.CreatedAt);
            row.Time("expires_at", part.ExpiresAt);
            row.Json.WriteEndObject();
        }

        row.Json.WriteEndArray();
    }

    private static void WriteRevocation(RowWriter row, RevocationItem item)
    {
        row.Json.WriteStartObject();
        row.Text("kind", RevocationStore.NameOf(item.Kind));
        row.Text("client_id", item.ClientId);
        row.Text("value", item.Value);
        row.Json.WriteNumber("gen", item.Gen);
        row.Time("expires_at", item.ExpiresAt);
        row.Json.WriteEndObject();
    }

    /// <summary>Writes a column's value as a member, as its database reads it.</summary>
    private readonly record struct RowWriter(Utf8JsonWriter Json, StorageProvider Provider)
    {
        public void Text(string column, string? value) => Json.WriteString(column, value);

        public void Time(string column, DateTimeOffset? time)
        {
            if (time is not { } given)
            {
                Json.WriteNull(column);
                return;
            }

            var stored = new StoredTime(given);
            if (Provider == StorageProvider.Sqlite)
            {
                Json.WriteNumber(column, stored.Microseconds);
                return;
            }

            // PostgreSQL's type has a zone, and assumes the session's where none is written. SQL Server's has none.
            var zone = Provider == StorageProvider.PostgreSql ? "Z" : "";
            Json.WriteString(column, $"{stored.Utc.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture)}{zone}");
        }
    }
}
