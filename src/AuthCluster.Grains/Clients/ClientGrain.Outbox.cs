using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Clients;

/// <summary>What a change has to tell the audit, the catalogue and the feed: rows that are stored in the write that makes it.</summary>
internal sealed partial class ClientGrain
{
    private static readonly TimeSpan LongestTokenLifetime = TimeSpan.FromHours(24);

    private Task? _telling;

    /// <summary>Tells of the changes that an older build left in the row. Nobody waits for it; where it fails, the next change tells of them too.</summary>
    private void StartTellingOutbox()
    {
        if (_telling is null or { IsCompleted: true })
        {
            _telling = UpdateRowAsync(
                state => state is { Outbox.IsEmpty: false } ? TellingOutbox(state) : null, administrative: false, CancellationToken.None);
        }
    }

    /// <summary>The state with an empty outbox, and rows that tell of what was in it.</summary>
    private ClientState TellingOutbox(ClientState state) => state with { Outbox = [], Rows = RowsOf(state) };

    private ClientRows RowsOf(ClientState state) => new(
        [.. state.Outbox.Select(item => new AuditEntry
        {
            AuditId = item.AuditId,
            At = item.At,
            Actor = item.Actor,
            Action = item.Action,
            Target = item.Target,
            ClientId = _clientId,
            RemoteAddress = item.RemoteAddress,
            RequestId = item.RequestId,
            Before = item.Before?.GetRawText(),
            After = item.After?.GetRawText(),
        })],
        CatalogueEntryOf(state),
        [.. state.Outbox.Where(item => item.EndsTokensBelow is not null).Select(item => new RevocationItem(
            RevocationKind.Client, _clientId, _clientId, _services.Floor.Value + item.EndsTokensBelow!.Value, item.At + LongestTokenLifetime))]);

    private CatalogueEntry CatalogueEntryOf(ClientState state)
    {
        var document = state.Document is { } stored ? ClientDocumentReader.ReadStored(_clientId, stored.GetRawText()) : null;
        return new CatalogueEntry
        {
            ClientId = _clientId,
            Name = document?.Name ?? "",
            Owner = document?.Owner ?? "",
            Enabled = state.Enabled,
            IsAdmin = IsAdmin(state),
            Deleted = state.Deleted,
            Document = state.Document?.GetRawText() ?? "",
            ETag = ETagOf(state),
            Version = state.Revision,
            CreatedAt = state.CreatedAt,
            UpdatedAt = state.UpdatedAt,
            Parts = document is null
                ? []
                :
                [
                    .. document.Scopes.Select(scope => new CataloguePart(CataloguePart.ScopeKind, scope, null, state.UpdatedAt, null)),
                    .. state.Secrets.Select(secret =>
                        new CataloguePart(CataloguePart.SecretKind, secret.Id, secret.Label, secret.CreatedAt, secret.ExpiresAt)),
                ],
        };
    }

    /// <summary>The client as the audit shows it: its document and whether it is enabled.</summary>
    private static JsonElement? AuditDocument(ClientState state)
    {
        if (state.Document is not { } document)
        {
            return null;
        }

        var node = JsonObject.Create(document)!;
        node["enabled"] = state.Enabled;
        return JsonSerializer.SerializeToElement(node, OutboxJson.Default.JsonObject);
    }

    private static JsonElement AuditSecret(SecretState secret) => JsonSerializer.SerializeToElement(
        new AuditedSecret(
            secret.Id, secret.Kind, secret.Label, secret.CreatedAt.UtcDateTime, secret.NotBefore?.UtcDateTime, secret.ExpiresAt?.UtcDateTime),
        OutboxJson.Default.AuditedSecret);
}

/// <summary>A secret's metadata as the audit shows it; times are UTC.</summary>
internal sealed record AuditedSecret(
    string SecretId,
    [property: JsonConverter(typeof(CamelCaseKind))] SecretKind Kind,
    string? Label,
    DateTime CreatedAt,
    DateTime? NotBefore,
    DateTime? ExpiresAt);

/// <summary>Writes the kind as the admin API does.</summary>
internal sealed class CamelCaseKind() : JsonStringEnumConverter<SecretKind>(JsonNamingPolicy.CamelCase);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditedSecret))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class OutboxJson : JsonSerializerContext;
