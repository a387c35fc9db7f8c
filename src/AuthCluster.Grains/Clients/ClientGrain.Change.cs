using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Admin;
using AuthCluster.Protocol.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;

namespace AuthCluster.Grains.Clients;

/// <summary>How an administrative change is made: one write of the row with the rows that tell of it, then the answer.</summary>
internal sealed partial class ClientGrain
{
    // What the row remembers of changes is the ETag that they gave. That they were made, the audit remembers for ever.
    private const int MostRecentChanges = 8;
    private const int MostKeyedCreations = 16;
    private const string ExpiryActor = "system:expiry";

    // A front end asks again within its deadline of some seconds; a minute is more than that.
    private static readonly TimeSpan RepeatsComeWithin = TimeSpan.FromMinutes(1);

    // The clocks of silos differ by less. A stored time that is further ahead was written under a clock that was wrong.
    private static readonly TimeSpan MostAhead = TimeSpan.FromMinutes(1);

    /// <summary>What a change wants: a new state with what the audit says of it, or an outcome without a change.</summary>
    private sealed record Change(ClientOutcome Outcome, ClientState? Next = null, string Action = "", string Target = "", JsonElement? Before = null, JsonElement? After = null, bool EndsTokens = false)
    {
        /// <summary>Further entries of the audit that the same change earns.</summary>
        public ImmutableArray<(string Action, JsonElement Before, JsonElement After)> Also { get; init; } = [];

        /// <summary>The ETag that the client had when this was made before.</summary>
        public string? ETag { get; init; }
    }

    /// <summary>Runs one change: write, answer.</summary>
    private async Task<ClientAnswer> ChangeAsync(
        ActorRecord actor, Func<ClientState?, Change> decide, CancellationToken cancellationToken, bool mayEndAdmin = false)
    {
        // After an unknown outcome memory may lack a change that was made: it is read before anything is built on it.
        if (!await ReadIfUnknownAsync(cancellationToken))
        {
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        var isLastAdmin = false;
        if (mayEndAdmin && IsEnabledAdmin(_record?.State))
        {
            if (await CountAdminsAsync(cancellationToken) is not { } admins)
            {
                return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
            }

            isLastAdmin = admins <= 1;
        }

        Change? change = null;
        var outcome = await UpdateRowAsync(
            async state =>
            {
                var present = await WithoutLongEndedAsync(state);
                change = await MadeBeforeAsync(state, actor) ?? decide(present);
                if (isLastAdmin && change.Next is { } after && IsEnabledAdmin(state) && !IsEnabledAdmin(after))
                {
                    change = new Change(ClientOutcome.LastAdmin);
                }

                return change.Next is { } next ? Stamp(state, present, _limits.Settle(next, QuotaOf(next), Now), actor, change) : null;
            },
            administrative: true,
            cancellationToken);
        if (outcome != RecordOutcome.Done)
        {
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        if (change!.Next is null)
        {
            if (_policy is null)
            {
                LeaveNothingBehind();
            }

            return Answer(change.Outcome) with { ETag = change.ETag };
        }

        return Answer(ClientOutcome.Done) with { ETag = ETagOf(_record!.State) };
    }

    /// <summary>
    /// What is made under an Idempotency-Key has an id that follows from the key and from what it chose, so that a repeat under the key
    /// is the same change.
    /// </summary>
    private ActorRecord Keyed(ActorRecord actor, string? idempotencyId, string? secretId) => idempotencyId is null
        ? actor
        : actor with
        {
            AuditId = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_clientId}\0{idempotencyId}\0{secretId}")).AsSpan(..16)),
        };

    /// <summary>What an Idempotency-Key made before; null for nothing.</summary>
    private static Change? MadeByKey(ClientState? state, string? idempotencyId, string? secretId) =>
        // With another secret it is a new request: what the key chose the first time was forgotten meanwhile.
        idempotencyId is not null && state?.Creations.FirstOrDefault(c => c.IdempotencyId == idempotencyId && (c.SecretId ?? secretId) == secretId) is { } made
            ? new Change(ClientOutcome.Done) { ETag = made.ETag }
            : null;

    /// <summary>
    /// The same change, asked for again because its answer was lost; null when it is new. The audit has the entry of every change that was
    /// made, unless an older build made it and died before it told, so that it is found however late the repeat comes.
    /// </summary>
    private async ValueTask<Change?> MadeBeforeAsync(ClientState? state, ActorRecord actor)
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

        return state.Outbox.Any(item => item.AuditId == actor.AuditId) ? Made()
            : await IsAuditedAsync(actor.AuditId) switch
            {
                true => Made(),
                false => null,
                null => new Change(ClientOutcome.Unavailable),
            };

        // The ETag of a change that was made under a key is kept with the key.
        Change Made() => new(ClientOutcome.Done)
        {
            ETag = state.Creations.FirstOrDefault(c => Keyed(actor, c.IdempotencyId, c.SecretId).AuditId == actor.AuditId)?.ETag,
        };
    }

    /// <summary>Whether the audit has an entry; null when storage does not answer.</summary>
    private async Task<bool?> IsAuditedAsync(string auditId)
    {
        try
        {
            var isAudited = false;
            await _services.Gate.ReadAsync(
                async token => isAudited = await _services.Audit.IsAuditedAsync(auditId, token), CancellationToken.None);
            return isAudited;
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }

    private static Func<ClientState?, Change> Existing(string? ifMatch, Func<ClientState, Change> decide) => state =>
        state is null or { Deleted: true } ? new Change(ClientOutcome.NotFound)
        : ifMatch is not null && ifMatch != ETagOf(state) ? new Change(ClientOutcome.Stale)
        : decide(state);

    /// <summary>
    /// The state that a change is decided on: without the secrets that ended long ago, which the change drops. While the clock is in doubt
    /// all secrets stay and count, since a wrong clock would drop valid ones.
    /// </summary>
    private async ValueTask<ClientState?> WithoutLongEndedAsync(ClientState? state) =>
        state is null || ReferenceEquals(state.WithoutLongEnded(Now), state) || await TrustedNowAsync() is not { } now
            ? state
            : state.WithoutLongEnded(now);

    /// <summary>The time by which something may be thrown away; null while it is in doubt, or can't be known.</summary>
    private async Task<DateTimeOffset?> TrustedNowAsync()
    {
        try
        {
            return await _services.TrustedClock.NowAsync(CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }

    /// <summary>The state as it is written: next revision, and the rows that tell of the change.</summary>
    /// <param name="before">The state as it is stored.</param>
    /// <param name="present">The same without what is dropped with the change.</param>
    /// <param name="next">What the change made of it.</param>
    /// <param name="actor">Who changes.</param>
    /// <param name="change">The change.</param>
    private ClientState Stamp(ClientState? before, ClientState? present, ClientState next, ActorRecord actor, Change change)
    {
        var now = TimeAfter(before);
        IEnumerable<SecretState> dropped = next.Deleted ? [] : before?.Secrets.Except(present?.Secrets ?? []) ?? [];
        var stamped = next with
        {
            Revision = (before?.Revision ?? 0) + 1,
            UpdatedAt = before is null or { Deleted: true } ? next.UpdatedAt : now,
        };
        var item = new OutboxItem
        {
            AuditId = actor.AuditId,
            At = now,
            Actor = actor.Actor,
            Action = change.Action,
            Target = change.Target,
            RemoteAddress = actor.RemoteAddress,
            RequestId = actor.RequestId,
            Before = change.Before,
            After = change.After,
            EndsTokensBelow = change.EndsTokens ? next.Generation : null,
        };
        return TellingOutbox(stamped with
        {
            Recent =
            [
                .. next.Recent.Where(c => !_services.TrustedClock.IsSteady || now - c.At < RepeatsComeWithin).TakeLast(MostRecentChanges - 1),
                new RecentChange(actor.AuditId, ETagOf(stamped), now),
            ],
            Outbox =
            [
                .. next.Outbox,
                item,
                .. change.Also
                    .Select(also => item with { Action = also.Action, Before = also.Before, After = also.After })
                    .Concat(dropped.Select(secret => item with { Actor = ExpiryActor, Action = "secret.expire", Before = AuditSecret(secret), After = null }))
                    .Select((also, index) => also with
                    {
                        AuditId = string.Create(CultureInfo.InvariantCulture, $"{actor.AuditId}.{index + 1}"),
                        EndsTokensBelow = null,
                    }),
            ],
        });
    }

    /// <summary>
    /// Now, to the millisecond, so that the row, the catalogue and the audit keep it alike; but after the change before, so that the
    /// audit has them in their order. A time that only a wrong clock can have given is not followed.
    /// </summary>
    private DateTimeOffset TimeAfter(ClientState? before)
    {
        var now = Rfc3339.ToMillisecond(Now);
        return before is { Recent: [.., { At: var last }] } && now <= last && last - now <= MostAhead ? last.AddMilliseconds(1) : now;
    }

    private ClientQuota? QuotaOf(ClientState state) =>
        state.Document is { } document ? ClientDocumentReader.ReadStored(_clientId, document.GetRawText()).Quota : null;

    private static bool IsEnabledAdmin(ClientState? state) => state is { Deleted: false, Enabled: true } && IsAdmin(state);

    /// <summary>Whether it is registered for the admin scope and for a grant to get it by: what the last admin may not lose, and what the catalogue counts.</summary>
    private static bool IsAdmin(ClientState state) =>
        state.Document is { } document
        && document.TryGetProperty("scopes", out var scopes)
        && scopes.EnumerateArray().Any(s => s.ValueEquals(ServerScopes.Admin))
        && !(document.TryGetProperty("grantTypes", out var grants) && grants.GetArrayLength() == 0);

    private async Task<int?> CountAdminsAsync(CancellationToken cancellationToken)
    {
        try
        {
            var admins = 0;
            await _services.Gate.ReadAsync(
                async token => admins = await _services.Catalogue.CountEnabledAdminsAsync(token), cancellationToken);
            return admins;
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }

    private ImmutableArray<KeyedCreation> Remember(ClientState? state, string? idempotencyId, string? secretId, DateTimeOffset createdAt)
    {
        var now = Now;
        var latest = now + IdempotencyStore.Lasts;
        // An end that is further away was given by a clock that was wrong.
        var kept = (state?.Creations ?? [])
            .Where(c => c.Until > now || !_services.TrustedClock.IsSteady)
            .Select(c => c.Until > latest ? c with { Until = latest } : c)
            .TakeLast(MostKeyedCreations - 1);
        return idempotencyId is null
            ? [.. kept]
            : [.. kept, new KeyedCreation(idempotencyId, secretId, latest, ETagOf((state?.Revision ?? 0) + 1, createdAt))];
    }
}
