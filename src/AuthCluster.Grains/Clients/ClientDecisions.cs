using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Limits;
using AuthCluster.Grains.Revocation;
using AuthCluster.Grains.Usage;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Decides what one client may have. A decision is one synchronous step over the immutable <see cref="ClientPolicy"/>. If something must be
/// stored or read first, the call waits for that together with all others, and then decides again. The wait for a token, and for who a caller
/// is, has a bound of its own (<see cref="CallWait"/>); the check of a token waits as long as one read may take.
/// </summary>
internal sealed class ClientDecisions(
    ClientRow row, SecretCheck secrets, ClientLimits limits, LimitWork limitWork, RevokedTokens revoked, ClientGrainServices services)
{
    private ClientUsage? _usage;

    /// <summary>When the client last got a token in this activation, to the minute; null for never.</summary>
    public DateTimeOffset? LastUsedAt => _usage?.LastUsedAt;

    /// <summary>The generation of the client's tokens that are valid.</summary>
    public long PresentGeneration => services.Floor.Value + (row.Policy?.Generation ?? 0);

    private DateTimeOffset Now => services.Clock.GetUtcNow();

    /// <summary>Counts usage for a client from now on. Null for none: a client that is created again under the id starts unused.</summary>
    public void CountFor(string? clientId)
    {
        if (clientId is not null)
        {
            _usage ??= services.Usage.Open(clientId);
            return;
        }

        _usage?.ForgetUses();
        _usage = null;
    }

    /// <summary>Decides one token request.</summary>
    public ValueTask<IssueTokenAnswer> IssueAsync(IssueTokenCommand command) =>
        Decide(command, out var needed) is { } answer ? new(answer) : new(DecideAfterAsync(needed!, command));

    /// <summary>Authenticates a caller of another endpoint.</summary>
    public Task<AuthenticateAnswer> AuthenticateAsync(PresentedSecret presented) =>
        row.MustWait ? AnswerAfterReadingAsync(presented) : Task.FromResult(AnswerTo(presented));

    /// <summary>Whether a token of the client is active.</summary>
    public async Task<TokenStanding> CheckAsync(CheckTokenCommand command) =>
        !await row.EnsureReadAsync() ? TokenStanding.Unknown
        : row.State == RowState.Absent ? TokenStanding.Inactive
        : await revoked.LoadAsync() ? StandingOf(command)
        : TokenStanding.Unknown;

    /// <summary>Decides one token request, and spends it from the limits in the same step.</summary>
    /// <param name="command">The request.</param>
    /// <param name="needed">The work that must be done first, when the answer is null.</param>
    private IssueTokenAnswer? Decide(IssueTokenCommand command, out Task<bool>? needed)
    {
        needed = row.MustWait ? row.EnsureReadAsync() : null;
        if (needed is not null)
        {
            return null;
        }

        var (kind, refusal, secret) = Authenticate(command.Secret);
        switch (kind)
        {
            case DecisionKind.Refused:
                return Refuse(refusal);
            case DecisionKind.Prove:
                return new IssueTokenAnswer { Kind = kind, Challenges = secrets.Challenges(row.Policy!) };
            case DecisionKind.Unavailable:
                return new IssueTokenAnswer { Kind = kind };
        }

        var policy = row.Policy!;
        var mark = policy.Document.TokenReuseSeconds == 0 ? 0 : revoked.Mark;
        refusal = policy.Decide(command, services.Floor.Value, mark, out var grant);
        if (refusal != Refusal.None)
        {
            return Refuse(refusal);
        }

        var limit = limits.Decide(Now);
        var write = limitWork.Start(limit.Need);
        limitWork.ScheduleReserveAhead();
        switch (limit.Outcome)
        {
            case LimitOutcome.Wait:
                needed = write;
                return null;
            case LimitOutcome.Unavailable:
                return new IssueTokenAnswer { Kind = DecisionKind.Unavailable };
            case LimitOutcome.RateLimited:
                return Refuse(Refusal.RateLimited) with { Delay = limit.RetryAfter, Limit = limit.Standing };
            case LimitOutcome.QuotaExceeded:
                return Refuse(Refusal.QuotaExceeded) with { Delay = limit.RetryAfter, Limit = limit.Standing };
        }

        _usage!.CountIssued(Now, secret!.Id, grant!.Scope);
        return limit.Standing is null
            ? policy.AnswerOf(grant)
            : new IssueTokenAnswer { Kind = DecisionKind.Allowed, Grant = grant, Limit = limit.Standing };
    }

    /// <summary>Waits for the work that a decision needs, and decides again.</summary>
    private async Task<IssueTokenAnswer> DecideAfterAsync(Task<bool> needed, IssueTokenCommand command)
    {
        var wait = new CallWait(services.Clock);
        while (true)
        {
            switch (await wait.ForAsync(needed))
            {
                case WaitOutcome.Unavailable:
                    return new IssueTokenAnswer { Kind = DecisionKind.Unavailable };
                case WaitOutcome.TooLong:
                    return new IssueTokenAnswer { Kind = DecisionKind.NotNow };
            }

            if (Decide(command, out var next) is { } answer)
            {
                return answer;
            }

            needed = next!;
        }
    }

    private AuthenticateAnswer AnswerTo(PresentedSecret presented)
    {
        var (kind, refusal, _) = Authenticate(presented);
        var document = kind == DecisionKind.Allowed ? row.Policy!.Document : null;
        return new AuthenticateAnswer
        {
            Kind = kind,
            Refusal = refusal,
            Challenges = kind == DecisionKind.Prove ? secrets.Challenges(row.Policy!) : [],
            Scopes = document?.Scopes ?? [],
            Introspects = document?.Introspects ?? [],
        };
    }

    private async Task<AuthenticateAnswer> AnswerAfterReadingAsync(PresentedSecret presented)
    {
        return await new CallWait(services.Clock).ForAsync(row.EnsureReadAsync()) switch
        {
            WaitOutcome.TooLong => new AuthenticateAnswer { Kind = DecisionKind.NotNow },
            WaitOutcome.Done when !row.MustWait => AnswerTo(presented),
            _ => new AuthenticateAnswer { Kind = DecisionKind.Unavailable },
        };
    }

    private Authentication Authenticate(PresentedSecret presented)
    {
        if (row.Policy is { } policy)
        {
            return secrets.Check(policy, presented);
        }

        return row.State == RowState.Absent
            ? new Authentication(DecisionKind.Refused, Refusal.UnknownClient)
            : new Authentication(DecisionKind.Unavailable);
    }

    /// <summary>Reads everything after the last wait, so that changes during the wait count.</summary>
    private TokenStanding StandingOf(CheckTokenCommand command) =>
        !row.CanDecide || revoked.Contains(command.Jti) is not { } isRevoked ? TokenStanding.Unknown
        : row.Policy is { Enabled: true } policy
            && command.Generation == PresentGeneration
            && !isRevoked
            && (command.Scope is not { } scope || policy.Document.Scopes.Contains(scope))
                ? TokenStanding.Active
                : TokenStanding.Inactive;

    private IssueTokenAnswer Refuse(Refusal refusal)
    {
        _usage?.CountRefused(Now, refusal);
        return new IssueTokenAnswer { Kind = DecisionKind.Refused, Refusal = refusal };
    }
}
