using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Storage;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Administrative calls. Each is one write of the row, with its audit entry and feed row inside as an outbox;
/// then the outbox is drained to the tables; then comes the answer.
/// </summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to free, and work that was begun may outlive the activation.
internal sealed partial class ClientGrain
#pragma warning restore CA1001
{
    private const int MostSecrets = 32;
    private const int MostRecentChanges = 8;
    private static readonly TimeSpan IdempotencyLasts = TimeSpan.FromHours(1);

    // A front end asks again within its deadline of some seconds; a minute is more than that.
    private static readonly TimeSpan RepeatsComeWithin = TimeSpan.FromMinutes(1);

    /// <summary>What a change wants: a new state with what the audit says of it, or an outcome without a change.</summary>
    private sealed record Change(ClientOutcome Outcome, ClientState? Next = null, string Action = "", string Target = "", JsonElement? Before = null, JsonElement? After = null, bool EndsTokens = false)
    {
        /// <summary>Further entries of the audit that the same change earns.</summary>
        public ImmutableArray<(string Action, JsonElement Before, JsonElement After)> Also { get; init; } = [];

        /// <summary>The ETag that the client had when this was made before.</summary>
        public string? ETag { get; init; }
    }

    public async Task<ClientAnswer> GetAsync(CancellationToken cancellationToken = default)
    {
        if (_mustReload)
        {
            await StartReloading();
        }

        return _policy is not null ? Answer(ClientOutcome.Done) : AnswerOfNobody();
    }

    /// <summary>What there is to say where there is no client; leaves no activation behind.</summary>
    private ClientAnswer AnswerOfNobody()
    {
        DeactivateOnIdle();
        return new ClientAnswer { Outcome = IsKnownAbsent ? ClientOutcome.NotFound : ClientOutcome.Unavailable };
    }

    public Task<ClientAnswer> CreateAsync(CreateClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            state =>
            {
                if (MadeByKey(state, command.IdempotencyId) is { } made)
                {
                    // Made by this key, whatever became of it since: answered, not made again.
                    return made;
                }

                if (state is { Deleted: false } || (state is { Deleted: true } && command.OnlyIfNeverExisted))
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
                    Document = Parse(command.DocumentJson),
                    Secrets = [.. command.Secrets.Select(s => Store(s, command.CreatedAt))],
                    LimitOwner = null,
                    LimitLevel = null,
                    Creations = Remember(state, command.IdempotencyId, null, command.CreatedAt),
                };
                return new Change(ClientOutcome.Done, next, "client.create", _clientId, null, AuditDocument(next));
            },
            cancellationToken);

    public Task<ClientAnswer> ReplaceAsync(ReplaceClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state =>
            {
                var enabled = command.Enabled ?? state.Enabled;
                var next = state with
                {
                    Document = Parse(command.DocumentJson),
                    Enabled = enabled,
                    Generation = state.Generation + (state.Enabled && !enabled ? 1 : 0),
                };
                return new Change(
                    ClientOutcome.Done, next, "client.update", _clientId, AuditDocument(state), AuditDocument(next), state.Enabled && !enabled);
            }),
            cancellationToken,
            mayEndAdmin: true);

    public Task<ClientAnswer> SetEnabledAsync(SetEnabledCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state =>
            {
                var next = state with
                {
                    Enabled = command.Enabled,
                    Generation = state.Generation + (command.Enabled ? 0 : 1),
                };
                return new Change(
                    ClientOutcome.Done, next, command.Enabled ? "client.enable" : "client.disable", _clientId,
                    AuditDocument(state), AuditDocument(next), !command.Enabled);
            }),
            cancellationToken,
            mayEndAdmin: !command.Enabled);

    public Task<ClientAnswer> DeleteAsync(DeleteClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state => new Change(
                ClientOutcome.Done,
                new ClientState
                {
                    Deleted = true,
                    Generation = state.Generation + 1,
                    Revision = state.Revision,
                    CreatedAt = state.CreatedAt,
                    Quota = state.Quota,
                    Creations = state.Creations,
                    Recent = state.Recent,
                    Outbox = state.Outbox,
                    Unknown = state.Unknown,
                },
                "client.delete",
                _clientId,
                AuditDocument(state),
                null,
                EndsTokens: true)),
            cancellationToken,
            mayEndAdmin: true);

    public Task<ClientAnswer> RevokeTokensAsync(RevokeTokensCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state => new Change(
                ClientOutcome.Done,
                state with { Generation = state.Generation + 1 },
                "client.revoke-tokens",
                _clientId,
                null,
                null,
                EndsTokens: true)),
            cancellationToken);

    public Task<ClientAnswer> AddSecretAsync(AddSecretCommand command, CancellationToken cancellationToken = default)
    {
        var add = Existing(command.IfMatch, state =>
        {
            if (state.Secrets.Length >= MostSecrets)
            {
                return new Change(ClientOutcome.TooMany);
            }

            var added = Store(command.Secret, command.CreatedAt);
            var others = command.RetireOthersAfter is { } after
                ? [.. state.Secrets.Select(s => Retire(s, command.CreatedAt + after))]
                : state.Secrets;
            var next = state with
            {
                Secrets = [.. others, added],
                Creations = Remember(state, command.IdempotencyId, added.Id, state.CreatedAt),
            };
            return new Change(ClientOutcome.Done, next, "secret.add", _clientId, null, AuditSecret(added))
            {
                Also = [.. state.Secrets.Zip(others)
                    .Where(pair => pair.First.ExpiresAt != pair.Second.ExpiresAt)
                    .Select(pair => ("secret.retire", AuditSecret(pair.First), AuditSecret(pair.Second)))],
            };
        });

        // The key comes before all else: a repeat finds the client changed by itself, or gone since.
        return ChangeAsync(command.Actor, state => MadeByKey(state, command.IdempotencyId) ?? add(state), cancellationToken);
    }

    public Task<ClientAnswer> RevokeSecretAsync(RevokeSecretCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state =>
            {
                if (state.Secrets.FirstOrDefault(s => s.Id == command.SecretId) is not { } secret)
                {
                    return new Change(ClientOutcome.NotFound);
                }

                var now = Now;
                var rest = state.Secrets.Remove(secret);
                if (!command.Force && secret.IsValidAt(now) && !rest.Any(s => s.IsValidAt(now)))
                {
                    return new Change(ClientOutcome.LastSecret);
                }

                return new Change(
                    ClientOutcome.Done, state with { Secrets = rest }, "secret.revoke", _clientId, AuditSecret(secret), null);
            }),
            cancellationToken);

    /// <summary>Runs one change: drain what is left of earlier ones, write, drain, answer.</summary>
    private async Task<ClientAnswer> ChangeAsync(
        ActorRecord actor, Func<ClientState?, Change> decide, CancellationToken cancellationToken, bool mayEndAdmin = false)
    {
        // After an unknown outcome memory may lack a change that was made: it is read before anything is built on it.
        if (!await ReadIfUnknownAsync(cancellationToken) || !await DrainAsync(cancellationToken))
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
            state =>
            {
                change = MadeBefore(state, actor) ?? decide(state);
                if (isLastAdmin && change.Next is { } after && IsEnabledAdmin(state) && !IsEnabledAdmin(after))
                {
                    change = new Change(ClientOutcome.LastAdmin);
                }

                return change.Next is { } next ? Stamp(state, next, actor, change) : null;
            },
            administrative: true,
            cancellationToken);
        if (outcome != RecordOutcome.Done)
        {
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        // Also without a change: what was read again meanwhile may hold a change that nobody was told of.
        if (!await DrainAsync(cancellationToken))
        {
            StartDraining();
            return new ClientAnswer { Outcome = ClientOutcome.Unavailable };
        }

        if (change!.Next is null)
        {
            if (_policy is null)
            {
                // An id that is nobody's leaves no activation behind.
                DeactivateOnIdle();
            }

            return Answer(change.Outcome) with { ETag = change.ETag };
        }

        StartClearingOutbox();
        return Answer(ClientOutcome.Done) with { ETag = ETagOf(_record!.State) };
    }

    /// <summary>What an Idempotency-Key made before; null for nothing.</summary>
    private static Change? MadeByKey(ClientState? state, string? idempotencyId) =>
        idempotencyId is not null && state?.Creations.FirstOrDefault(c => c.IdempotencyId == idempotencyId) is { } made
            ? new Change(ClientOutcome.Done) { ETag = made.ETag }
            : null;

    /// <summary>The same change, asked for again because its answer was lost with a silo; null when it is new.</summary>
    private static Change? MadeBefore(ClientState? state, ActorRecord actor) =>
        state?.Recent.FirstOrDefault(c => c.AuditId == actor.AuditId) is { } made
            ? new Change(ClientOutcome.Done) { ETag = made.ETag }
            : null;

    private static Func<ClientState?, Change> Existing(string? ifMatch, Func<ClientState, Change> decide) => state =>
        state is null or { Deleted: true } ? new Change(ClientOutcome.NotFound)
        : ifMatch is not null && ifMatch != ETagOf(state) ? new Change(ClientOutcome.Stale)
        : decide(state);

    /// <summary>The state as it is written: next revision, and the change in its outbox.</summary>
    private ClientState Stamp(ClientState? before, ClientState next, ActorRecord actor, Change change)
    {
        // To the millisecond, so that the row, the catalogue and the audit keep it alike.
        var now = Now;
        now = now.AddTicks(-(now.UtcTicks % TimeSpan.TicksPerMillisecond));
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
        return stamped with
        {
            Recent =
            [
                .. next.Recent.Where(c => now - c.At < RepeatsComeWithin).TakeLast(MostRecentChanges - 1),
                new RecentChange(actor.AuditId, ETagOf(stamped), now),
            ],
            Outbox =
            [
                .. next.Outbox.Where(old => !_drained.Contains(old.AuditId)),
                item,
                .. change.Also.Select((also, index) => item with
                {
                    AuditId = string.Create(CultureInfo.InvariantCulture, $"{actor.AuditId}.{index + 1}"),
                    Action = also.Action,
                    Before = also.Before,
                    After = also.After,
                    EndsTokensBelow = null,
                }),
            ],
        };
    }

    private static bool IsEnabledAdmin(ClientState? state) =>
        state is { Deleted: false, Enabled: true, Document: { } document }
        && document.TryGetProperty("scopes", out var scopes)
        && scopes.EnumerateArray().Any(s => s.ValueEquals(ServerScopes.Admin));

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

    private SecretState Store(NewSecret secret, DateTimeOffset createdAt)
    {
        var stored = new SecretState
        {
            Id = secret.SecretId,
            Kind = secret.Kind,
            Label = secret.Label,
            CreatedAt = createdAt,
            NotBefore = secret.NotBefore,
            ExpiresAt = secret.ExpiresAt,
            PepperId = _services.Peppers.CurrentId,
            SlowHash = secret.SlowHash is { } slow
                ? new SlowHashState
                {
                    Algorithm = slow.Algorithm,
                    Salt = [.. slow.Salt],
                    Iterations = slow.Iterations,
                    MemoryKib = slow.MemoryKib,
                    Parallelism = slow.Parallelism,
                    Expected = [.. secret.Expected],
                }
                : null,
        };
        return secret.Digest.IsDefaultOrEmpty ? stored : stored with { Mac = _verifier.Mac(stored, secret.Digest.AsSpan()) };
    }

    private static SecretState Retire(SecretState secret, DateTimeOffset end) =>
        secret.ExpiresAt is { } already && already <= end ? secret : secret with { ExpiresAt = end };

    private ImmutableArray<KeyedCreation> Remember(ClientState? state, string? idempotencyId, string? secretId, DateTimeOffset createdAt)
    {
        var now = Now;
        var kept = state?.Creations.Where(c => c.Until > now) ?? [];
        return idempotencyId is null
            ? [.. kept]
            : [.. kept, new KeyedCreation(idempotencyId, secretId, now + IdempotencyLasts, ETagOf((state?.Revision ?? 0) + 1, createdAt))];
    }

    private ClientAnswer Answer(ClientOutcome outcome) => new()
    {
        Outcome = outcome,
        Client = _record is { State: { Deleted: false, Document: { } document } state }
            ? new ClientView
            {
                ClientId = _clientId,
                DocumentJson = document.GetRawText(),
                Enabled = state.Enabled,
                ETag = ETagOf(state),
                CreatedAt = state.CreatedAt,
                UpdatedAt = state.UpdatedAt,
                Secrets = [.. state.Secrets.Select(s => new SecretView
                {
                    SecretId = s.Id,
                    Kind = s.Kind,
                    Label = s.Label,
                    CreatedAt = s.CreatedAt,
                    NotBefore = s.NotBefore,
                    ExpiresAt = s.ExpiresAt,
                })],
                LastUsedAt = _usage?.LastUsedAt,
            }
            : null,
    };

    private static string ETagOf(ClientState state) => ETagOf(state.Revision, state.CreatedAt);

    private static string ETagOf(long revision, DateTimeOffset createdAt) =>
        string.Create(CultureInfo.InvariantCulture, $"{revision:x}-{createdAt.UtcTicks:x}");

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
