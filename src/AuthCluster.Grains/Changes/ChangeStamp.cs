using System.Globalization;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Revocation;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Json;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Clients;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Grains.Changes;

/// <summary>
/// Completes a changed state for its write: it adds the next revision, the memory of the change, and the rows that the same write
/// inserts into the audit, the catalogue and the feed of revocations. Pure.
/// </summary>
internal sealed class ChangeStamp(string clientId)
{
    // The row remembers the ETags of the last changes. The audit remembers for ever that a change was made.
    private const int MaxRecentChanges = 8;
    private const string ExpiryActor = "system:expiry";

    // A front end repeats a command within its deadline of some seconds; a minute is more than that.
    private static readonly TimeSpan RepeatWindow = TimeSpan.FromMinutes(1);

    /// <summary>The state as it is written.</summary>
    /// <param name="before">The state as it is stored; null for none.</param>
    /// <param name="present">The same without the secrets that the change drops.</param>
    /// <param name="next">The state that the change made of it.</param>
    /// <param name="document">The document of <paramref name="next"/>; null for a tombstone.</param>
    /// <param name="actor">Who makes the change.</param>
    /// <param name="change">The change.</param>
    /// <param name="time">The time.</param>
    /// <param name="floor">The cluster's part of a token's generation.</param>
    public ClientState Stamp(
        ClientState? before,
        ClientState? present,
        ClientState next,
        ClientDocument? document,
        ActorRecord actor,
        Change change,
        ChangeTime time,
        long floor)
    {
        var at = TimeAfter(before, time.Now);
        var stamped = next with
        {
            Revision = ClientState.RevisionAfter(before),
            UpdatedAt = before is null or { Deleted: true } ? next.UpdatedAt : at,
        };
        stamped = stamped with
        {
            Recent =
            [
                .. next.Recent.Where(c => !time.IsSteady || at - c.At < RepeatWindow).TakeLast(MaxRecentChanges - 1),
                new RecentChange(actor.AuditId, stamped.ETag, at, change.Asked),
            ],
            Outbox = [.. next.Outbox, .. ItemsOf(change, DroppedSecrets(before, present, next), actor, at, next.Generation)],
        };
        return WithRows(stamped, document, floor);
    }

    /// <summary>The state with an empty outbox, and with the rows that its write inserts for what the outbox held.</summary>
    /// <param name="state">The state with its outbox, of this change or left by an older build.</param>
    /// <param name="document">Its document; null for a tombstone.</param>
    /// <param name="floor">The cluster's part of a token's generation.</param>
    public ClientState WithRows(ClientState state, ClientDocument? document, long floor) => state with
    {
        Outbox = [],
        Rows = new ClientRows(
            [.. state.Outbox.Select(EntryOf)],
            CatalogueEntryOf(state, document),
            [.. state.Outbox
                .Where(item => item.EndsTokensBelow is not null)
                .Select(item => new RevocationItem(
                    RevokedKind.Client, clientId, clientId, floor + item.EndsTokensBelow!.Value, item.At + ClientDocument.MaxTokenLifetime))]),
    };

    /// <summary>
    /// The present time to the millisecond, so that row, catalogue and audit store the same time. It is later than that of the change before, so
    /// that the audit keeps the order; unless a wrong clock gave the change before a time that is too far ahead.
    /// </summary>
    private static DateTimeOffset TimeAfter(ClientState? before, DateTimeOffset now)
    {
        now = Rfc3339.ToMillisecond(now);
        return before is { Recent: [.., { At: var last }] } && now <= last && last - now <= ClusterClocks.MaxDifference ? last.AddMilliseconds(1) : now;
    }

    private static IEnumerable<SecretState> DroppedSecrets(ClientState? before, ClientState? present, ClientState next) =>
        next.Deleted ? [] : before?.Secrets.Except(present?.Secrets ?? []) ?? [];

    /// <summary>One item for each action of the change and for each secret that it drops. The first has the id by which a repeated command is recognised.</summary>
    private IEnumerable<OutboxItem> ItemsOf(
        Change change, IEnumerable<SecretState> dropped, ActorRecord actor, DateTimeOffset at, long generation)
    {
        var actions = change.Actions.Select(action => (actor.Actor, Action: action))
            .Concat(dropped.Select(secret => (Actor: ExpiryActor, Action: new AuditedAction("secret.expire", AuditShapes.Of(secret), null))));
        return actions.Select((one, index) => new OutboxItem
        {
            AuditId = index == 0 ? actor.AuditId : string.Create(CultureInfo.InvariantCulture, $"{actor.AuditId}.{index}"),
            At = at,
            Actor = one.Actor,
            Action = one.Action.Action,
            Target = clientId,
            RemoteAddress = actor.RemoteAddress,
            RequestId = actor.RequestId,
            Before = one.Action.Before,
            After = one.Action.After,
            EndsTokensBelow = index == 0 && change.EndsTokens ? generation : null,
        });
    }

    private AuditEntry EntryOf(OutboxItem item) => new(
        new AuditRecord
        {
            AuditId = item.AuditId,
            At = item.At,
            Actor = item.Actor,
            Action = item.Action,
            Target = item.Target,
            RemoteAddress = item.RemoteAddress,
            RequestId = item.RequestId,
            BeforeJson = item.Before?.GetRawText(),
            AfterJson = item.After?.GetRawText(),
        },
        clientId);

    private CatalogueEntry CatalogueEntryOf(ClientState state, ClientDocument? document) => new()
    {
        ClientId = clientId,
        Name = document?.Name ?? "",
        Owner = document?.Owner ?? "",
        Enabled = state.Enabled,
        IsAdmin = state.IsAdmin,
        Deleted = state.Deleted,
        Document = state.Document?.GetRawText() ?? "",
        ETag = state.ETag,
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
