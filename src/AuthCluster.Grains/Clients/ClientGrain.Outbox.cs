using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The outbox: what an administrative write has to tell the audit, the catalogue and the feed. It lies in the
/// row from the same write on, so whatever dies in between, the next activation tells it.
/// </summary>
internal sealed partial class ClientGrain
{
    private static readonly TimeSpan DrainAgainAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTokenLifetime = TimeSpan.FromHours(24);

    // Told to the tables, but perhaps still in the row: rows are rewritten without them at the next chance.
    private readonly HashSet<string> _drained = new(StringComparer.Ordinal);
    private IGrainTimer? _drainTimer;
    private Task? _clearing;

    /// <summary>
    /// Tells the tables what they don't know yet. Telling twice is telling once. It is not given up with its caller, since what is stored
    /// must be told; storage's own deadline ends it.
    /// </summary>
    /// <returns>False when storage does not answer.</returns>
    private async Task<bool> DrainAsync()
    {
        if (_record is not { } record)
        {
            return true;
        }

        var items = record.State.Outbox.Where(item => !_drained.Contains(item.AuditId)).ToList();
        if (items.Count == 0)
        {
            return true;
        }

        if (_policy is null && !record.State.Deleted)
        {
            // A document that can't be read must not go to the catalogue as an empty one.
            return false;
        }

        var batch = OutboxOf(record.State, items);
        try
        {
            await _services.Gate.RunAsync(StorageLane.Changes, token => _services.Outbox.ApplyAsync(batch, token), CancellationToken.None);
        }
        catch (Exception e) when (StorageFaults.IsFault(e))
        {
            // Also what a table refuses: the change is made, and must be told when that is mended.
            LogNotDrained(e, _clientId);
            return false;
        }

        _drained.UnionWith(items.Select(item => item.AuditId));
        return true;
    }

    /// <summary>Goes on trying after the caller was told that storage does not answer. The activation stays for as long: nobody else would tell.</summary>
    private void StartDraining() =>
        _drainTimer ??= this.RegisterGrainTimer(
            async _ =>
            {
                if (await DrainAsync())
                {
                    _drainTimer?.Dispose();
                    _drainTimer = null;
                    StartClearingOutbox();
                }
            },
            new GrainTimerCreationOptions(TimeSpan.Zero, DrainAgainAfter) { Interleave = true, KeepAlive = true });

    /// <summary>Writes the row without what was told, so that the next activation has nothing to tell. Nobody waits for it.</summary>
    private void StartClearingOutbox()
    {
        if (_clearing is null or { IsCompleted: true })
        {
            _clearing = ClearOutboxAsync();
        }
    }

    private async Task ClearOutboxAsync()
    {
        if (_drained.Count == 0 || _services.Records.IsBusy)
        {
            // In a rush of changes the tables are rather told once more, by the next activation, than everybody kept waiting for this.
            return;
        }

        await UpdateRowAsync(
            state => state is null || !state.Outbox.Any(item => _drained.Contains(item.AuditId))
                ? null
                : state with { Outbox = [.. state.Outbox.Where(item => !_drained.Contains(item.AuditId))] },
            administrative: false,
            CancellationToken.None);
    }

    private OutboxBatch OutboxOf(ClientState state, List<OutboxItem> items) => new(
        [.. items.Select(item => new AuditEntry
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
        [.. items.Where(item => item.EndsTokensBelow is not null).Select(item => new RevocationItem(
            RevocationKind.Client, _clientId, _clientId, _services.Floor.Value + item.EndsTokensBelow!.Value, item.At + LongestTokenLifetime))]);

    private CatalogueEntry CatalogueEntryOf(ClientState state)
    {
        var document = _policy?.Document;
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

    [LoggerMessage(1105, LogLevel.Warning, "The audit and the catalogue could not be told of a change of client {ClientId}; trying again.")]
    private partial void LogNotDrained(Exception exception, string clientId);
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
