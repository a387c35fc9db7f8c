using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Runs the administrative changes of one client. Each is one write of its row, which inserts the entries of the audit, the catalogue
/// and the feed in the same transaction. A change that is asked for again, its answer having been lost, is not made twice.
/// </summary>
internal sealed class ClientAdministration(string clientId, ClientRow row, ClientLimits limits, ClientGrainServices services)
{
    private readonly ChangeStamp _stamp = new(clientId);

    /// <summary>Makes one change.</summary>
    /// <param name="actor">Who changes; its audit id is that of the change.</param>
    /// <param name="decide">What the change makes of the present state, which is null when there is no row.</param>
    /// <param name="mayEndAdmin">Whether it may take the admin scope out of use: the last admin's is not taken.</param>
    /// <param name="cancellationToken">Cancels waiting, not a write that was begun.</param>
    /// <returns>The change, with the ETag that it gave; or the outcome for which there is none.</returns>
    public async Task<Change> RunAsync(
        ActorRecord actor, Func<ClientState?, ChangeTime, Change> decide, bool mayEndAdmin, CancellationToken cancellationToken)
    {
        // After an unknown outcome memory may lack a change that was made: it is read before anything is built on it.
        if (!await row.RefreshAsync(cancellationToken))
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
        var isDone = await row.ChangeAsync(
            async state =>
            {
                var present = await WithoutLongEndedAsync(state);
                var time = new ChangeTime(services.Clock.GetUtcNow(), services.TrustedClock.IsSteady);
                change = await FindRepeatAsync(state, actor) ?? decide(present, time);
                if (isLastAdmin && change.Next is { } after && IsEnabledAdmin(state) && !IsEnabledAdmin(after))
                {
                    change = new Change(ClientOutcome.LastAdmin);
                }

                return change.Next is { } next ? Complete(state, present, next, actor, change, time) : null;
            },
            cancellationToken);
        return !isDone ? new Change(ClientOutcome.Unavailable)
            : change.Next is null ? change
            : change with { ETag = row.Stored!.ETag };
    }

    /// <summary>
    /// Tells the tables what an earlier build has left in the row to tell: it died between its write and theirs. Where that fails, the
    /// next change or the next activation does it.
    /// </summary>
    public Task WriteOutboxAsync() => row.ChangeInBackgroundAsync(
        state => state is null or { Outbox.IsEmpty: true } ? null : _stamp.WithRows(state, DocumentOf(state), services.Floor.Value));

    private ClientState Complete(ClientState? before, ClientState? present, ClientState next, ActorRecord actor, Change change, ChangeTime time)
    {
        var document = DocumentOf(next);
        var settled = limits.FitToQuota(next, document?.Quota, time.Now);
        return _stamp.Stamp(before, present, settled, document, actor, change, time, services.Floor.Value);
    }

    private ClientDocument? DocumentOf(ClientState state) =>
        state.Document is { } document ? ClientDocumentReader.ReadStored(clientId, document.GetRawText()) : null;

    /// <summary>The same change, made by an earlier try; null when it is new.</summary>
    private async ValueTask<Change?> FindRepeatAsync(ClientState? state, ActorRecord actor)
    {
        if (state is null)
        {
            // A row is never deleted: nothing was made.
            return null;
        }

        if (state.Recent.FirstOrDefault(c => c.AuditId == actor.AuditId) is { } made)
        {
            return new Change(ClientOutcome.Done) { ETag = made.ETag };
        }

        // The audit has the entry of every change that was made, unless an earlier build made it and died before it told.
        var isMade = state.Outbox.Any(item => item.AuditId == actor.AuditId);
        if (!isMade)
        {
            var audit = await services.Gate.AskAsync(StorageLane.Reads, token => services.Audit.IsAuditedAsync(actor.AuditId, token), CancellationToken.None);
            if (!audit.TryGet(out isMade))
            {
                return new Change(ClientOutcome.Unavailable);
            }
        }

        // The ETag of a change that was made under a key is kept with the key.
        return isMade ? new Change(ClientOutcome.Done) { ETag = KeyedCreations.ETagOf(clientId, state, actor) } : null;
    }

    /// <summary>
    /// The state that a change is decided on: without the secrets that ended long ago, which the change drops. While the clock is in doubt
    /// all secrets stay and count, since a wrong clock would drop valid ones.
    /// </summary>
    private async ValueTask<ClientState?> WithoutLongEndedAsync(ClientState? state) =>
        state is null || ReferenceEquals(state.WithoutLongEnded(services.Clock.GetUtcNow()), state) || await services.TrustedNowAsync() is not { } now
            ? state
            : state.WithoutLongEnded(now);

    private static bool IsEnabledAdmin(ClientState? state) => state is { Deleted: false, Enabled: true, IsAdmin: true };
}
