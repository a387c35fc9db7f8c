using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Fence;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.Revocation;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// One registered client: the only place that decides what it may have. Holds its secrets, scopes, limits and
/// counters in memory, so that the usual decision needs no storage.
/// </summary>
/// <remarks>
/// <para>A decision is one synchronous step over the immutable <see cref="ClientPolicy"/>, which is replaced after a write has returned. If
/// something must be stored or read first (a quota block, a claim of the rate limit, the row), the call waits for that together with all others,
/// with a bound, and then decides again. Calls interleave, so a wait holds up its own caller alone. Writes take turns at the
/// <see cref="ClientRow"/>.</para>
/// <para>A crash loses at most the usage since the last flush, unspent quota permits and the level of the rate limit, which then starts
/// empty. So a crash never grants more than the limits.</para>
/// <para>Placed by the hash of its id: after a silo has died, its clients spread evenly over the others, and two silos that see the same
/// members place a client on the same silo.</para>
/// </remarks>
[GrainType("client"), HashBasedPlacement]
internal sealed class ClientGrain : Grain, IClientGrain, IClientRowListener
{
    private static readonly TimeSpan LateCallerMargin = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan OutboxAgainAfter = TimeSpan.FromSeconds(1);

    private readonly ClientGrainServices _services;
    private readonly string _clientId;
    private readonly ClientRow _row;
    private readonly ClientLimits _limits;
    private readonly LimitWork _limitWork;
    private readonly SecretCheck _secrets;
    private readonly ClientAdministration _administration;
    private readonly ClientChanges _changes;
    private readonly DoubtedChanges _doubted = new();
    private readonly RevokedTokens _revoked;
    private readonly ClientDecisions _decisions;
    private IGrainTimer? _outboxTimer;
    private long _stayMinute;

    public ClientGrain(ClientGrainServices services, ILogger<ClientGrain> logger)
    {
        _services = services;
        _clientId = ClientGrainKey.ClientId(this.GetPrimaryKeyString());
        _row = new ClientRow(_clientId, this.GetGrainId(), services.Records, services.Defaults, services.Rights, this, services.Clock, logger);
        _limits = new ClientLimits(services.Clock, this.GetGrainId().GetUniformHashCode() / (double)uint.MaxValue, () => services.Rights.Mandate.MaySpend(services.Rights.Now));
        _limitWork = new LimitWork(this, _row, _limits, services);
        var verifier = new SecretVerifier(_clientId, services.Peppers);
        _secrets = new SecretCheck(verifier, new SecretProofs(_row, services.Peppers), services.Clock);
        _administration = new ClientAdministration(_clientId, _row, _limits, services);
        _changes = new ClientChanges(_clientId, new SecretChanges(verifier, services.Peppers));
        _revoked = new RevokedTokens(_clientId, () => _decisions!.PresentGeneration + 1, services.Revocations, services.Gate, services.Clock);
        _decisions = new ClientDecisions(_row, _secrets, _limits, _limitWork, _revoked, services);
    }

    private DateTimeOffset Now => _services.Clock.GetUtcNow();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _services.Activity.Activated();
        try
        {
            await _row.OpenAsync(cancellationToken);
        }
        catch
        {
            // Orleans does not deactivate what it has not activated.
            _row.Close();
            throw;
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _services.Activity.Deactivated();
        try
        {
            await ReleaseAsync();
        }
        finally
        {
            _row.Close();
        }
    }

    public async Task<IssueTokenAnswer> IssueTokenAsync(IssueTokenCommand command, CancellationToken cancellationToken = default)
    {
        var answer = await _decisions.IssueAsync(command);
        if (answer.Grant is { } grant)
        {
            StayForTwoLifetimes(grant);
        }
        else
        {
            DeactivateUnlessKnown();
        }

        return answer;
    }

    public async Task<AuthenticateAnswer> AuthenticateAsync(PresentedSecret secret, CancellationToken cancellationToken = default)
    {
        var answer = await _decisions.AuthenticateAsync(secret);
        DeactivateUnlessKnown();
        return answer;
    }

    public async Task<CheckTokenAnswer> CheckTokenAsync(CheckTokenCommand command, CancellationToken cancellationToken = default)
    {
        var standing = await _decisions.CheckAsync(command);
        DeactivateUnlessKnown();
        return new CheckTokenAnswer(standing);
    }

    public async Task<ClientAnswer> RevokeTokenAsync(RevokeTokenCommand command, CancellationToken cancellationToken = default)
    {
        if (!await _row.EnsureReadAsync() || _row.State == RowState.Absent)
        {
            return AnswerWithoutClient();
        }

        if (command.Generation != _decisions.PresentGeneration || (command.ExpiresAt <= Now && command.ExpiresAt <= await _services.TrustedNowAsync()))
        {
            // The token is invalid already, by its generation or its end. While the clock is in doubt, store the revocation: the token may be valid.
            return Answer(ClientOutcome.Done);
        }

        return Answer(await _revoked.AddAsync(command, cancellationToken));
    }

    public async Task<ClientAnswer> GetAsync(CancellationToken cancellationToken = default) =>
        await _row.EnsureReadAsync() && _row.State == RowState.Known ? Answer(ClientOutcome.Done) : AnswerWithoutClient();

    public Task<ClientAnswer> CreateAsync(CreateClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            _changes.Keyed(command.Actor, command.IdempotencyId, command.Secrets.FirstOrDefault()?.SecretId),
            (state, time) => _changes.Create(state, command, time),
            cancellationToken);

    public Task<ClientAnswer> ReplaceAsync(ReplaceClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(command.Actor, (state, _) => ClientChanges.Replace(state, command), cancellationToken, mayEndAdmin: true);

    public async Task<PatchClientAnswer> PatchAsync(PatchClientCommand command, CancellationToken cancellationToken = default)
    {
        var (answer, change) = await RunAsync(
            command.Actor, (state, _) => _changes.Patch(state, command, _services.Defaults.TokenLifetimeSeconds), mayEndAdmin: true, cancellationToken);
        return new PatchClientAnswer(answer, change.Problems);
    }

    public Task<ClientAnswer> SetEnabledAsync(SetEnabledCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(command.Actor, (state, _) => ClientChanges.SetEnabled(state, command), cancellationToken, mayEndAdmin: !command.Enabled);

    public Task<ClientAnswer> DeleteAsync(DeleteClientCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(command.Actor, (state, _) => ClientChanges.Delete(state, command), cancellationToken, mayEndAdmin: true);

    public Task<ClientAnswer> RevokeTokensAsync(RevokeTokensCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(command.Actor, (state, _) => ClientChanges.RevokeTokens(state, command), cancellationToken);

    public Task<ClientAnswer> AddSecretAsync(AddSecretCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            _changes.Keyed(command.Actor, command.IdempotencyId, command.Secret.SecretId),
            (state, time) => _changes.AddSecret(state, command, time),
            cancellationToken);

    public Task<ClientAnswer> RevokeSecretAsync(RevokeSecretCommand command, CancellationToken cancellationToken = default) =>
        ChangeAsync(command.Actor, (state, time) => ClientChanges.RevokeSecret(state, command, time), cancellationToken);

    void IClientRowListener.WriteEnded(RecordOutcome outcome) => _limits.WriteEnded(outcome);

    void IClientRowListener.RowReplaced(ClientPolicy? policy, ClientState? stored)
    {
        _decisions.CountFor(policy is null ? null : _clientId);
        if (policy is not null)
        {
            _secrets.ForgetExcept(policy);
            _limits.Load(policy.Document, stored!, GrainContext.ActivationId.ToString());
        }

        WriteOutboxUntilEmpty(stored is { Outbox.IsEmpty: false });
    }

    private async Task ReleaseAsync()
    {
        if (_row.MustStayActive)
        {
            // The next activation would not know that a write may still arrive.
            await _row.RefreshAsync(CancellationToken.None);
        }

        // Permits that are not given back are lost, so finish this write even if the token is cancelled. It gives back a block that is being
        // reserved, too. Use the background lane: a stopping silo writes thousands of rows, and administrators must not queue behind them.
        if (_row.State == RowState.Known && (_limits.HasUnsavedState || _limitWork.IsUnderWay))
        {
            await _row.ChangeInBackgroundAsync(_limits.Release);
        }
    }

    /// <summary>Writes what an older build left in the outbox, at once and again each second until storage has taken it.</summary>
    private void WriteOutboxUntilEmpty(bool isLeft)
    {
        if (!isLeft)
        {
            _outboxTimer?.Dispose();
            _outboxTimer = null;
            return;
        }

        _outboxTimer ??= this.RegisterGrainTimer(
            _ => _administration.WriteOutboxAsync(),
            new GrainTimerCreationOptions(TimeSpan.Zero, OutboxAgainAfter) { Interleave = true, KeepAlive = true });
    }

    private async Task<ClientAnswer> ChangeAsync(
        ActorRecord actor, Func<ClientState?, ChangeTime, Change> decide, CancellationToken cancellationToken, bool mayEndAdmin = false) =>
        (await RunAsync(actor, decide, mayEndAdmin, cancellationToken)).Answer;

    /// <summary>Makes one change, and waits until it holds on every silo.</summary>
    private async Task<(ClientAnswer Answer, Change Change)> RunAsync(
        ActorRecord actor, Func<ClientState?, ChangeTime, Change> decide, bool mayEndAdmin, CancellationToken cancellationToken)
    {
        var began = _services.Clock.GetTimestamp();
        var change = await _administration.RunAsync(actor, (state, time) => _doubted.Judge(decide(state, time)), mayEndAdmin, cancellationToken);
        // What the client looks like right after the write, whatever is written while this one waits.
        var answer = Answer(change.Outcome) with { ETag = change.ETag };
        if (change.StoredVersion is { } version)
        {
            var held = await _services.ConfirmWrite(
                _row.Key, version, WriteKind.Change, actor.AnswerWithin, _services.Clock.GetElapsedTime(began));
            answer = held.Outcome switch
            {
                FenceOutcome.Unknown => answer with { Outcome = ClientOutcome.Unavailable },
                // Not found either: what was deleted before may still be decided by somewhere, as right after the deletion.
                FenceOutcome.NotEverywhere => answer with { Outcome = ClientOutcome.Done, UnconfirmedFor = FencedAnswers.UnconfirmedFor(held) },
                _ => answer,
            };
        }

        _doubted.Note(change, isDoubted: answer.Outcome == ClientOutcome.Unavailable || answer.UnconfirmedFor is not null);
        DeactivateUnlessKnown();
        return (answer, change);
    }

    /// <summary>
    /// Keeps the activation for two token lifetimes. A caller asks once in a lifetime; so the client is still in memory at its next two
    /// requests, also when storage is away then. A shortage of memory ends the activation sooner.
    /// </summary>
    private void StayForTwoLifetimes(TokenGrant grant)
    {
        var minute = Now.UtcTicks / TimeSpan.TicksPerMinute;
        if (minute != _stayMinute)
        {
            _stayMinute = minute;
            DelayDeactivation((2 * TimeSpan.FromSeconds(grant.LifetimeSeconds)) + LateCallerMargin);
        }
    }

    /// <summary>Ends the activation of an unknown id, or of a client that could not be read, so that it takes no memory.</summary>
    private void DeactivateUnlessKnown()
    {
        if (_row.State != RowState.Known && !_row.MustStayActive)
        {
            DeactivateOnIdle();
        }
    }

    private ClientAnswer Answer(ClientOutcome outcome) => new()
    {
        Outcome = outcome,
        // Not beside a secret that is not there: a caller would take the ETag for that of its own change.
        Client = outcome == ClientOutcome.NotFound ? null : ClientViews.Of(_clientId, _row.Stored, _decisions.LastUsedAt, Now),
    };

    private ClientAnswer AnswerWithoutClient()
    {
        DeactivateUnlessKnown();
        return new ClientAnswer { Outcome = _row.State == RowState.Absent ? ClientOutcome.NotFound : ClientOutcome.Unavailable };
    }
}
