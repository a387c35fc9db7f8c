using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AuthCluster.Contracts.Clients;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Administrative calls. Each is one write of the row, which inserts the rows of the audit, the catalogue and the feed too; then comes
/// the answer.
/// </summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to free, and work that was begun may outlive the activation.
internal sealed partial class ClientGrain
#pragma warning restore CA1001
{
    public async Task<ClientAnswer> GetAsync(CancellationToken cancellationToken = default)
    {
        if (_mustReload)
        {
            await StartReloading();
        }

        return _mustReload ? new ClientAnswer { Outcome = ClientOutcome.Unavailable }
            : _policy is not null ? Answer(ClientOutcome.Done)
            : AnswerOfNobody();
    }

    /// <summary>What there is to say where there is no client; leaves no activation behind.</summary>
    private ClientAnswer AnswerOfNobody()
    {
        LeaveNothingBehind();
        return new ClientAnswer { Outcome = IsKnownAbsent ? ClientOutcome.NotFound : ClientOutcome.Unavailable };
    }

    public Task<ClientAnswer> CreateAsync(CreateClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            Keyed(command.Actor, command.IdempotencyId, command.Secrets.FirstOrDefault()?.SecretId),
            state =>
            {
                if (MadeByKey(state, command.IdempotencyId, command.Secrets.FirstOrDefault()?.SecretId) is { } made)
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
                    Document = Parse(command.DocumentJson),
                    Secrets = [.. command.Secrets.Select(s => Store(s, command.CreatedAt))],
                    LimitOwner = null,
                    LimitLevel = null,
                    Creations = Remember(state, command.IdempotencyId, command.Secrets.FirstOrDefault()?.SecretId, command.CreatedAt),
                };
                return new Change(ClientOutcome.Done, next, "client.create", _clientId, null, AuditDocument(next));
            },
            cancellationToken);

    public Task<ClientAnswer> ReplaceAsync(ReplaceClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state => Replace(state, Parse(command.DocumentJson), command.Enabled)),
            cancellationToken,
            mayEndAdmin: true);

    public async Task<PatchClientAnswer> PatchAsync(PatchClientCommand command, CancellationToken cancellationToken = default)
    {
        ImmutableArray<FieldProblem> problems = [];
        var answer = await ChangeAsync(
            command.Actor,
            Existing(command.IfMatch, state =>
            {
                var patch = ClientPatch.Merge(_clientId, state.Document!.Value, command.Patch, _services.Defaults.TokenLifetimeSeconds);
                problems = patch.Problems;
                return patch.Document is { } document ? Replace(state, document, patch.Enabled) : new Change(ClientOutcome.Done);
            }),
            cancellationToken,
            mayEndAdmin: true);
        return new PatchClientAnswer(answer, problems);
    }

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
                    OtherQuotas = state.OtherQuotas,
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

    private Change Replace(ClientState state, JsonElement document, bool? enable)
    {
        var enabled = enable ?? state.Enabled;
        var disables = state.Enabled && !enabled;
        var next = state with
        {
            Document = document,
            Enabled = enabled,
            Generation = state.Generation + (disables ? 1 : 0),
        };
        return new Change(ClientOutcome.Done, next, "client.update", _clientId, AuditDocument(state), AuditDocument(next), disables);
    }

    private ClientAnswer Answer(ClientOutcome outcome) => new()
    {
        Outcome = outcome,
        Client = _record?.State.WithoutLongEnded(Now) is { Deleted: false, Document: { } document } state
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
