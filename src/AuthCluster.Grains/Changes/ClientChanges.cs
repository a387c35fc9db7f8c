using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Changes;

/// <summary>
/// What each administrative command makes of a client's state. Pure: the same state, command and time give the same change.
/// </summary>
/// <param name="clientId">The client.</param>
/// <param name="secrets">What makes stored secrets of new ones.</param>
internal sealed class ClientChanges(string clientId, SecretChanges secrets)
{
    /// <summary>Creates the client, or creates it anew over the tombstone of a deleted one.</summary>
    public Change Create(ClientState? state, CreateClientCommand command, ChangeTime time)
    {
        var firstSecret = command.Secrets.FirstOrDefault()?.SecretId;
        if (KeyedCreations.FindRepeat(state, command.IdempotencyId, firstSecret) is { } made)
        {
            // Made by this key, whatever became of it since: answered, not made again.
            return made;
        }

        if (state is { Deleted: false } || (command.OnlyIfNeverExisted && state is { Existed: true }))
        {
            return new Change(ClientOutcome.Taken);
        }

        var next = (state ?? new ClientState()) with
        {
            Deleted = false,
            Enabled = command.Enabled,
            Revision = (state?.Revision ?? 0) + 1,
            // A tombstone keeps the count, so that the id's old tokens stay dead.
            Generation = state?.Generation ?? 0,
            CreatedAt = command.CreatedAt,
            UpdatedAt = command.CreatedAt,
            Document = JsonElement.Parse(command.DocumentJson),
            Secrets = [.. command.Secrets.Select(secret => secrets.Store(secret, command.CreatedAt))],
            LimitOwner = null,
            LimitLevel = null,
            Creations = KeyedCreations.Remember(state, command.IdempotencyId, firstSecret, command.CreatedAt, time),
        };
        return Change.To(next, new AuditedAction("client.create", null, AuditShapes.Of(next)));
    }

    /// <summary>Replaces the client's document.</summary>
    public static Change Replace(ClientState? state, ReplaceClientCommand command) =>
        Existing(state, command.IfMatch, present => Replace(present, JsonElement.Parse(command.DocumentJson), command.Enabled));

    /// <summary>Merges a patch with the client's document (RFC 7396). A result that is no valid document is no change, and has problems.</summary>
    /// <param name="state">The client.</param>
    /// <param name="command">The patch.</param>
    /// <param name="serverLifetimeSeconds">The server's own lifetime of tokens, for a client that names none.</param>
    public Change Patch(ClientState? state, PatchClientCommand command, int serverLifetimeSeconds) => Existing(state, command.IfMatch, present =>
    {
        var merge = ClientDocumentMerge.Of(clientId, present.Document!.Value.GetRawText(), command.Patch.AsMemory(), serverLifetimeSeconds);
        return merge.Succeeded
            ? Replace(present, JsonElement.Parse(merge.DocumentJson), merge.Enabled)
            : new Change(ClientOutcome.Done) { Problems = [.. merge.Errors.Select(error => new FieldProblem(error.Key, error.Value))] };
    });

    /// <summary>Enables or disables the client. Disabling ends every token that it has.</summary>
    public static Change SetEnabled(ClientState? state, SetEnabledCommand command) => Existing(state, command.IfMatch, present =>
    {
        var next = present with
        {
            Enabled = command.Enabled,
            Generation = present.Generation + (command.Enabled ? 0 : 1),
        };
        var action = command.Enabled ? "client.enable" : "client.disable";
        return Change.To(next, new AuditedAction(action, AuditShapes.Of(present), AuditShapes.Of(next))) with { EndsTokens = !command.Enabled };
    });

    /// <summary>Deletes the client and leaves a tombstone, so that its generation is never used again.</summary>
    public static Change Delete(ClientState? state, DeleteClientCommand command) => Existing(state, command.IfMatch, present =>
    {
        var tombstone = new ClientState
        {
            Deleted = true,
            Generation = present.Generation + 1,
            Revision = present.Revision,
            CreatedAt = present.CreatedAt,
            Quota = present.Quota,
            OtherQuotas = present.OtherQuotas,
            Creations = present.Creations,
            Recent = present.Recent,
            Outbox = present.Outbox,
            Unknown = present.Unknown,
        };
        return Change.To(tombstone, new AuditedAction("client.delete", AuditShapes.Of(present), null)) with { EndsTokens = true };
    });

    /// <summary>Ends every token that was issued to the client so far.</summary>
    public static Change RevokeTokens(ClientState? state, RevokeTokensCommand command) => Existing(state, command.IfMatch, present =>
        Change.To(present with { Generation = present.Generation + 1 }, new AuditedAction("client.revoke-tokens", null, null)) with { EndsTokens = true });

    /// <summary>Adds a secret, and ends the others when asked to.</summary>
    public Change AddSecret(ClientState? state, AddSecretCommand command, ChangeTime time) =>
        // The key comes before all else: a repeat finds the client changed by itself, or gone since.
        KeyedCreations.FindRepeat(state, command.IdempotencyId, command.Secret.SecretId)
        ?? Existing(state, command.IfMatch, present => secrets.Add(present, command, time));

    /// <summary>Revokes a secret.</summary>
    public static Change RevokeSecret(ClientState? state, RevokeSecretCommand command, ChangeTime time) =>
        Existing(state, command.IfMatch, present => SecretChanges.Revoke(present, command, time));

    /// <summary>The id of the audit entry by which a repeat of a command is known.</summary>
    public ActorRecord Keyed(ActorRecord actor, string? idempotencyId, string? secretId) =>
        KeyedCreations.Keyed(clientId, actor, idempotencyId, secretId);

    private static Change Replace(ClientState present, JsonElement document, bool? enable)
    {
        var enabled = enable ?? present.Enabled;
        var disables = present.Enabled && !enabled;
        var next = present with
        {
            Document = document,
            Enabled = enabled,
            Generation = present.Generation + (disables ? 1 : 0),
        };
        return Change.To(next, new AuditedAction("client.update", AuditShapes.Of(present), AuditShapes.Of(next))) with { EndsTokens = disables };
    }

    private static Change Existing(ClientState? state, string? ifMatch, Func<ClientState, Change> change) =>
        state is null or { Deleted: true } ? new Change(ClientOutcome.NotFound)
        : ifMatch is not null && ifMatch != state.ETag ? new Change(ClientOutcome.Stale)
        : change(state);
}
