using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Limits;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// One registered client: the only place that decides what it may have. Holds its secrets, scopes, limits and
/// counters in memory, so that the usual decision touches no storage.
/// </summary>
/// <remarks>
/// Decisions interleave with everything and never wait: they read one immutable <see cref="ClientPolicy"/>,
/// which is exchanged after a write has returned. Whatever would have to wait (a quota block, the claim of the
/// limit, a re-read) is started and answered as not now. Writes take turns at the row.
/// A crash loses at most the usage since the last flush, unspent quota permits and the level of the limit,
/// which then starts from empty: it never gives more than it should.
/// Placed by its id's hash: the silos get even shares of those who are asked for at once, as after a silo has died, and two silos
/// that know the same cluster place the same client alike.
/// </remarks>
[GrainType("client"), HashBasedPlacement]
internal sealed partial class ClientGrain : Grain, IClientGrain
{
    private static readonly TimeSpan ShortDelay = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan CallersComeLate = TimeSpan.FromMinutes(5);

    private readonly ClientGrainServices _services;
    private readonly ILogger<ClientGrain> _logger;
    private readonly string _clientId;
    private readonly SecretVerifier _verifier;
    private readonly ClientLimits _limits;
    private readonly SemaphoreSlim _row = new(1);
    private ClientUsage? _usage;
    private long _stayMinute;

    // What is stored, and what decisions are made from. Null policy: nothing to decide from.
    private ClientRecord? _record;
    private ClientPolicy? _policy;
    private RecordOutcome _loaded = RecordOutcome.Unavailable;
    private bool _mustReload;
    private Task? _reloading;

    public ClientGrain(ClientGrainServices services, ILogger<ClientGrain> logger)
    {
        _services = services;
        _logger = logger;
        _clientId = ClientGrainKey.ClientId(this.GetPrimaryKeyString());
        _verifier = new SecretVerifier(_clientId, services.Peppers);
        _limits = new ClientLimits(services.Clock, this.GetGrainId().GetUniformHashCode() / (double)uint.MaxValue);
    }

    private DateTimeOffset Now => _services.Clock.GetUtcNow();

    /// <summary>Whether storage said that there is no such client, or that it was deleted.</summary>
    private bool IsKnownAbsent => _loaded is RecordOutcome.Missing or RecordOutcome.Done;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _services.Activity.Activated();
        await LoadAsync(cancellationToken);
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _services.Activity.Deactivated();
        try
        {
            if (_mustReload)
            {
                // The next activation does not know that a write is still on its way.
                await ReloadAsync();
            }
        }
        finally
        {
            await SignOffAsync();
        }
    }

    /// <summary>Gives the limits back, whatever the silo's patience with the deactivation is: what is not given back is lost to the client.</summary>
    private async Task SignOffAsync()
    {
        // A block that is being reserved is given back too, once it is there.
        var isReserving = _limitWork is { IsCompleted: false };
        if (_record is not null && (_limits.HasSomethingToGiveBack || isReserving) && !_mustReload)
        {
            await UpdateRowAsync(_limits.SignOff, administrative: false, CancellationToken.None);
        }
    }

    public Task<IssueTokenAnswer> IssueTokenAsync(IssueTokenCommand command, CancellationToken cancellationToken = default) =>
        Task.FromResult(Decide(command));

    public Task<AuthenticateAnswer> AuthenticateAsync(PresentedSecret secret, CancellationToken cancellationToken = default)
    {
        var kind = Authenticate(secret, out var refusal, out _);
        return Task.FromResult(new AuthenticateAnswer
        {
            Kind = kind,
            Refusal = refusal,
            Challenges = kind == DecisionKind.Prove ? _verifier.Challenges(_policy!.Secrets, Now) : [],
            Scopes = kind == DecisionKind.Allowed ? _policy!.Document.Scopes : [],
            Introspects = kind == DecisionKind.Allowed ? _policy!.Document.Introspects : [],
            Delay = kind == DecisionKind.NotNow ? ShortDelay : TimeSpan.Zero,
            Reason = kind == DecisionKind.NotNow ? NotNowReason.Reloading : NotNowReason.None,
        });
    }

    private IssueTokenAnswer Decide(IssueTokenCommand command)
    {
        switch (Authenticate(command.Secret, out var refusal, out var secret))
        {
            case DecisionKind.Refused:
                return Refuse(refusal);
            case DecisionKind.Prove:
                return new IssueTokenAnswer { Kind = DecisionKind.Prove, Challenges = _verifier.Challenges(_policy!.Secrets, Now) };
            case DecisionKind.NotNow:
                return NotNow(NotNowReason.Reloading, ShortDelay);
            case DecisionKind.Unavailable:
                return new IssueTokenAnswer { Kind = DecisionKind.Unavailable };
        }

        var policy = _policy!;
        refusal = policy.Decide(command, _services.Floor.Value, RevocationMark, out var grant);
        if (refusal != Refusal.None)
        {
            return Refuse(refusal);
        }

        var limit = _limits.Decide(Now);
        StartWhatLimitsNeed(limit.Need);
        WaitForNextPeriod();
        switch (limit.Outcome)
        {
            case LimitOutcome.Wait:
                return NotNow(limit.Need == LimitNeed.Claim ? NotNowReason.ClaimingLimit : NotNowReason.ReservingQuota, ShortDelay);
            case LimitOutcome.Unavailable:
                return new IssueTokenAnswer { Kind = DecisionKind.Unavailable };
            case LimitOutcome.RateLimited or LimitOutcome.QuotaExceeded:
                return Refuse(limit.Outcome == LimitOutcome.RateLimited ? Refusal.RateLimited : Refusal.QuotaExceeded) with
                {
                    Delay = limit.RetryAfter,
                    Limit = limit.Standing,
                };
        }

        StayForTwoLifetimes(grant!);
        _usage!.CountIssued(Now, secret!.Id, grant!.Scope);
        return limit.Standing is null
            ? policy.AnswerOf(grant)
            : new IssueTokenAnswer { Kind = DecisionKind.Allowed, Grant = grant, Limit = limit.Standing };
    }

    /// <summary>
    /// Keeps the activation over the time in which a well-behaved caller, who asks once in a token's lifetime, asks again, and once
    /// more: an outage of storage must not meet it cold. Memory that runs out ends it sooner.
    /// </summary>
    private void StayForTwoLifetimes(TokenGrant grant)
    {
        var minute = Now.UtcTicks / TimeSpan.TicksPerMinute;
        if (minute != _stayMinute)
        {
            _stayMinute = minute;
            DelayDeactivation((2 * TimeSpan.FromSeconds(grant.LifetimeSeconds)) + CallersComeLate);
        }
    }

    /// <summary>Who is this? Says the same to an unknown id, a wrong secret and a disabled client but for the reason kept for the log.</summary>
    private DecisionKind Authenticate(PresentedSecret presented, out Refusal refusal, out SecretState? secret)
    {
        refusal = Refusal.None;
        secret = null;
        if (_storageWentBack)
        {
            return DecisionKind.Unavailable;
        }

        if (_mustReload)
        {
            if (ReloadHasFailed)
            {
                return DecisionKind.Unavailable;
            }

            _ = StartReloading();
            return DecisionKind.NotNow;
        }

        if (_policy is not { } policy)
        {
            LeaveNothingBehind();
            refusal = Refusal.UnknownClient;
            return IsKnownAbsent ? DecisionKind.Refused : DecisionKind.Unavailable;
        }

        var finding = _verifier.Check(policy.Secrets, presented, Now, out secret);
        if (finding == SecretFinding.MustProve && !presented.Proofs.IsDefaultOrEmpty)
        {
            finding = _verifier.CheckProofs(policy.Secrets, presented, Now, out secret, out var storable);
            if (storable is not null)
            {
                StartStoringProof(secret!.Id, storable);
            }

            // A secret that was added since the challenge has not been asked for yet.
            if (finding == SecretFinding.Wrong && _verifier.HasUnproven(policy.Secrets, presented, Now))
            {
                finding = SecretFinding.MustProve;
            }
        }

        refusal = finding switch
        {
            SecretFinding.MustProve => Refusal.None,
            SecretFinding.Wrong => Refusal.WrongSecret,
            SecretFinding.NotValidNow => Refusal.SecretNotValidNow,
            _ when !policy.Enabled => Refusal.ClientDisabled,
            _ when !policy.Allows(presented.Method) => Refusal.MethodNotAllowed,
            _ => Refusal.None,
        };
        return finding == SecretFinding.MustProve ? DecisionKind.Prove
            : refusal == Refusal.None ? DecisionKind.Allowed
            : DecisionKind.Refused;
    }

    /// <summary>
    /// An id that is nobody's, or a client that could not be read, leaves no activation behind; but a deleted one whose outbox an older build
    /// left stays until the tables were told, and one with a write of unknown outcome until that is known.
    /// </summary>
    private void LeaveNothingBehind()
    {
        if (_mustReload)
        {
            return;
        }

        if (_record is { State.Outbox.IsEmpty: false })
        {
            StartTellingOutbox();
        }
        else
        {
            DeactivateOnIdle();
        }
    }

    private IssueTokenAnswer Refuse(Refusal refusal)
    {
        _usage?.CountRefused(Now, refusal);
        return new IssueTokenAnswer { Kind = DecisionKind.Refused, Refusal = refusal };
    }

    private static IssueTokenAnswer NotNow(NotNowReason reason, TimeSpan delay) =>
        new() { Kind = DecisionKind.NotNow, Reason = reason, Delay = delay };
}
