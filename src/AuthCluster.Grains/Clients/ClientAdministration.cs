using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Runs the administrative changes of one client. Each is one write of its row, which inserts the rows of audit, catalogue and feed in the
/// same transaction. A command that is repeated because its answer was lost is not carried out twice.
/// </summary>
internal sealed class ClientAdministration(string clientId, ClientRow row, ClientLimits limits, ClientGrainServices services)
{
    private readonly ChangeStamp _stamp = new(clientId);

    /// <summary>Runs one change.</summary>
    /// <param name="actor">Who makes the change; the audit id is the id of the change.</param>
    /// <param name="decide">Makes the change of the present state, which is null when there is no row.</param>
    /// <param name="mayEndAdmin">Whether the change may take the admin scope from the client: then the last admin is protected.</param>
    /// <param name="cancellationToken">Cancels the wait, not a write that has started.</param>
    /// <returns>The change with its ETag, or the outcome because of which nothing changed.</returns>
    public async Task<Change> RunAsync(
        ActorRecord actor, Func<ClientState?, ChangeTime, Change> decide, bool mayEndAdmin, CancellationToken cancellationToken)
    {
        // After a write of unknown outcome, memory may lack a change that is stored: read before building on it.
        if (!await row.RefreshAsync(cancellationToken))
        {
            return new Change(ClientOutcome.Unavailable);
        }

        // Insert what an older build left in the outbox first: the answer to a repeated command, and the count of admins, rely on the tables.
        if (row.Stored is { Outbox.IsEmpty: false } && !await WriteOutboxAsync())
        {
            return new Change(ClientOutcome.Unavailable);
        }

        var isLastAdmin = false;
        if (mayEndAdmin && IsEnabledAdmin(row.Stored))
        {
            if (!(await services.Gate.AskAsync(StorageLane.Reads, services.Catalogue.CountEnabledAdminsAsync, cancellationToken)).TryGet(out var admins))
            {
                return new Change(ClientOutcome.Unavailable);
            }

            isLastAdmin = admins <= 1;
        }

        var change = new Change(ClientOutcome.Unavailable);
        var wasStored = row.Stored is not null;
        var version = await row.ChangeAsync(
            async state =>
            {
                var present = await WithoutLongEndedAsync(state);
                var time = new ChangeTime(services.Clock.GetUtcNow(), services.TrustedClock.IsSteady);
                change = await FindRepeatAsync(state, actor) ?? decide(present, time);
                if (isLastAdmin && change.Next is { } after && IsEnabledAdmin(state) && !IsEnabledAdmin(after))
                {
                    change = new Change(ClientOutcome.LastAdmin);
                }

                wasStored = state is not null;
                // A change that changes nothing is written too. The version of the row moves, so that an older write which still hangs loses, and the
                // write fails when another silo has a newer state than this one.
                return change.Next is { } next ? Complete(state, present, next, actor, change, time)
                    : change.MustHold ? WithoutOutbox(state) ?? state
                    : WithoutOutbox(state);
            },
            cancellationToken);
        return version is null ? new Change(ClientOutcome.Unavailable) { Asked = change.Asked }
            : !change.MustHold ? change
            : change with
            {
                ETag = change.Next is null ? change.ETag : row.Stored!.ETag,
                StoredVersion = wasStored ? version : null,
            };
    }

    /// <summary>Inserts the audit and feed rows that a silo of an older build left in the outbox when it died between two writes.</summary>
    /// <returns>False when storage did not take them.</returns>
    public async Task<bool> WriteOutboxAsync() => await row.ChangeInBackgroundAsync(WithoutOutbox) is not null;

    private ClientState? WithoutOutbox(ClientState? state) =>
        state is null or { Outbox.IsEmpty: true } ? null : _stamp.WithRows(state, DocumentOf(state), services.Floor.Value);

    private ClientState Complete(ClientState? before, ClientState? present, ClientState next, ActorRecord actor, Change change, ChangeTime time)
    {
        var document = DocumentOf(next);
        var settled = limits.FitToQuota(next, document?.Quota, time.Now);
        return _stamp.Stamp(before, present, settled, document, actor, change, time, services.Floor.Value);
    }

    private ClientDocument? DocumentOf(ClientState state) =>
        state.Document is { } document ? ClientDocumentReader.ReadStored(clientId, document.GetRawText()) : null;

    /// <summary>The change as an earlier try of the same command made it; null when the command is new.</summary>
    private async ValueTask<Change?> FindRepeatAsync(ClientState? state, ActorRecord actor)
    {
        if (state is null)
        {
            // Rows are never deleted, so no earlier try was stored.
            return null;
        }

        if (state.Recent.FirstOrDefault(c => c.AuditId == actor.AuditId) is { } made)
        {
            return new Change(ClientOutcome.Done) { ETag = made.ETag };
        }

        // The audit has an entry for every change, except for changes of an older build that are still in the outbox.
        var isMade = state.Outbox.Any(item => item.AuditId == actor.AuditId);
        if (!isMade)
        {
            var audit = await services.Gate.AskAsync(StorageLane.Reads, token => services.Audit.IsAuditedAsync(actor.AuditId, token), CancellationToken.None);
            if (!audit.TryGet(out isMade))
            {
                return new Change(ClientOutcome.Unavailable);
            }
        }

        // For a change under an Idempotency-Key, its ETag is kept with the key.
        return isMade ? new Change(ClientOutcome.Done) { ETag = KeyedCreations.ETagOf(clientId, state, actor) } : null;
    }

    /// <summary>
    /// The state on which a change is decided: without the secrets that ended long ago, which the change drops. While the clock is in doubt
    /// all secrets stay and count, since a wrong clock would drop valid ones.
    /// </summary>
    private async ValueTask<ClientState?> WithoutLongEndedAsync(ClientState? state) =>
        state is null || ReferenceEquals(state.WithoutLongEnded(services.Clock.GetUtcNow()), state) || await services.TrustedNowAsync() is not { } now
            ? state
            : state.WithoutLongEnded(now);

    private static bool IsEnabledAdmin(ClientState? state) => state is { Deleted: false, Enabled: true, IsAdmin: true };
}
