using System.Text;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Changes;

/// <summary>
/// What each administrative command makes of a client's state. Pure: the same state, command and time give the same change.
/// </summary>
/// <param name="clientId">The client.</param>
/// <param name="secrets">The changes of secrets.</param>
internal sealed class ClientChanges(string clientId, SecretChanges secrets)
{
    /// <summary>Creates the client, also over the tombstone of a deleted one.</summary>
    public Change Create(ClientState? state, CreateClientCommand command, ChangeTime time)
    {
        var firstSecret = command.Secrets.FirstOrDefault()?.SecretId;
        if (KeyedCreations.FindRepeat(state, command.IdempotencyId, firstSecret) is { } made)
        {
            // This key created the client before: answer so, whatever became of the client since.
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
            // The tombstone's generation goes on, so that old tokens of the id stay invalid.
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
    public static Change Replace(ClientState? state, ReplaceClientCommand command) => Existing(
        state,
        command.IfMatch,
        present => Replace(present, JsonElement.Parse(command.DocumentJson), command.Enabled),
        AskedChange.Of(command.Actor.Actor, "replace", $"{command.Enabled}\0{command.DocumentJson}"));

    /// <summary>Merges a patch into the client's document (RFC 7396). If the result is not a valid document, nothing changes and the answer has the problems.</summary>
    /// <param name="state">The client.</param>
    /// <param name="command">The patch.</param>
    /// <param name="serverLifetimeSeconds">The server's token lifetime in seconds, for a client without its own.</param>
    public Change Patch(ClientState? state, PatchClientCommand command, int serverLifetimeSeconds) => Existing(
        state,
        command.IfMatch,
        present =>
        {
            var merge = ClientDocumentMerge.Of(clientId, present.Document!.Value.GetRawText(), command.Patch.AsMemory(), serverLifetimeSeconds);
            return merge.Succeeded
                ? Replace(present, JsonElement.Parse(merge.DocumentJson), merge.Enabled)
                : new Change(ClientOutcome.Done) { MustHold = false, Problems = [.. merge.Errors.Select(error => new FieldProblem(error.Key, error.Value))] };
        },
        AskedChange.Of(command.Actor.Actor, "patch", Encoding.UTF8.GetString(command.Patch.AsSpan())));

    /// <summary>Enables or disables the client, unless it is so already. Disabling ends all of its tokens.</summary>
    public static Change SetEnabled(ClientState? state, SetEnabledCommand command)
    {
        var action = command.Enabled ? "client.enable" : "client.disable";
        return Existing(
            state,
            command.IfMatch,
            present =>
            {
                if (present.Enabled == command.Enabled)
                {
                    // Disabled clients have no tokens to end.
                    return new Change(ClientOutcome.Done) { ETag = present.ETag };
                }

                var next = present with
                {
                    Enabled = command.Enabled,
                    Generation = present.Generation + (command.Enabled ? 0 : 1),
                };
                return Change.To(next, new AuditedAction(action, AuditShapes.Of(present), AuditShapes.Of(next))) with { EndsTokens = !command.Enabled };
            },
            AskedChange.Of(command.Actor.Actor, action));
    }

    /// <summary>Deletes the client and leaves a tombstone, so that none of its generations is used again.</summary>
    public static Change Delete(ClientState? state, DeleteClientCommand command) =>
        state is { Deleted: true, Existed: true } ? Change.Gone : Existing(state, command.IfMatch, Bury);

    /// <summary>Ends all tokens that were issued to the client so far. Asked for again it is another change, which ends those that were issued since.</summary>
    public static Change RevokeTokens(ClientState? state, RevokeTokensCommand command) => Existing(state, command.IfMatch, present =>
        Change.To(present with { Generation = present.Generation + 1 }, new AuditedAction("client.revoke-tokens", null, null)) with { EndsTokens = true });

    /// <summary>Adds a secret, and ends the others when asked to.</summary>
    public Change AddSecret(ClientState? state, AddSecretCommand command, ChangeTime time) =>
        // Check the key first: a repeated command finds the client changed by its first run, or deleted since.
        KeyedCreations.FindRepeat(state, command.IdempotencyId, command.Secret.SecretId)
        ?? Existing(state, command.IfMatch, present => secrets.Add(present, command, time));

    /// <summary>
    /// Revokes a secret. Where it is not there since the same was asked for before, that has to hold, whatever the ETag (RFC 9110 section 13.2.1). One that
    /// was never there is not found.
    /// </summary>
    public static Change RevokeSecret(ClientState? state, RevokeSecretCommand command, ChangeTime time)
    {
        var asked = AskedChange.Of(command.Actor.Actor, "secret.revoke", command.SecretId);
        return state is null || state.Secrets.Any(secret => secret.Id == command.SecretId)
            ? Existing(state, command.IfMatch, present => SecretChanges.Revoke(present, command, time), asked)
            : state.Recent.Any(change => change.Asked == asked) ? Change.Gone
            : new Change(ClientOutcome.NotFound);
    }

    /// <summary>The actor with the audit id by which a repeated command is recognised.</summary>
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

    private static Change Bury(ClientState present)
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
    }

    /// <summary>
    /// Changes a client that is there and has the ETag that the command names. Where just this was asked for and made of that ETag, and nothing else since, it is
    /// a repeat (RFC 9110 section 13.1.1).
    /// </summary>
    /// <param name="state">The client.</param>
    /// <param name="ifMatch">The ETag; null for any.</param>
    /// <param name="change">Makes the change.</param>
    /// <param name="asked">Who asks for what; null for a command that would change something when it is repeated.</param>
    private static Change Existing(ClientState? state, string? ifMatch, Func<ClientState, Change> change, string? asked = null) =>
        state is null or { Deleted: true } ? new Change(ClientOutcome.NotFound)
        : ifMatch is null || ifMatch == state.ETag ? change(state) with { Asked = asked }
        : asked is not null && state.IsMadeOf(ifMatch, asked) ? new Change(ClientOutcome.Done) { ETag = state.ETag, Asked = asked, IsRepeat = true }
        : new Change(ClientOutcome.Stale);
}
