using System.Collections.Immutable;

namespace AuthCluster.Contracts.Tokens;

/// <summary>What kind of answer a decision is.</summary>
public enum DecisionKind
{
    /// <summary>The request is allowed; <see cref="IssueTokenAnswer.Grant"/> says what the token holds.</summary>
    Allowed = 0,

    /// <summary>The request is refused; <see cref="IssueTokenAnswer.Refusal"/> says why.</summary>
    Refused = 1,

    /// <summary>The secret has a slow hash that was not proven yet; answer <see cref="IssueTokenAnswer.Challenges"/> and ask again.</summary>
    Prove = 2,

    /// <summary>
    /// The grain has waited for as long as it may for work that many calls share (a block of the quota, a claim of the rate limit, a
    /// re-read), and the work goes on: ask again.
    /// </summary>
    NotNow = 3,

    /// <summary>The decision can't be made now because storage does not answer.</summary>
    Unavailable = 4,
}

/// <summary>Why a request was refused. An expected outcome, never an exception.</summary>
public enum Refusal
{
    /// <summary>Not refused.</summary>
    None = 0,

    /// <summary>No such client, or it was deleted.</summary>
    UnknownClient = 1,

    /// <summary>The client has no such secret.</summary>
    WrongSecret = 2,

    /// <summary>The secret is the client's, but its end has passed or its start has not come.</summary>
    SecretNotValidNow = 3,

    /// <summary>The client is disabled; the secret was right.</summary>
    ClientDisabled = 4,

    /// <summary>The client is not registered for the authentication method that it used.</summary>
    MethodNotAllowed = 5,

    /// <summary>The client may not use the client credentials grant.</summary>
    GrantNotAllowed = 6,

    /// <summary>A requested scope is not the client's.</summary>
    ScopeNotAllowed = 7,

    /// <summary>A requested audience or resource is not the client's.</summary>
    TargetNotAllowed = 8,

    /// <summary>The client's rate limit is spent for now.</summary>
    RateLimited = 9,

    /// <summary>The client's quota is spent for this period.</summary>
    QuotaExceeded = 10,
}

/// <summary>Why a grain of an older build could not answer at once. This build neither sets nor uses it.</summary>
public enum NotNowReason
{
    /// <summary>Nothing to wait for.</summary>
    None = 0,

    /// <summary>The state is being read again, after a write with an unknown outcome.</summary>
    Reloading = 1,

    /// <summary>A block of the quota is being reserved.</summary>
    ReservingQuota = 2,

    /// <summary>The activation is being entered as the owner of the client's rate limit.</summary>
    ClaimingLimit = 3,
}

/// <summary>What every decision about a caller has.</summary>
public interface IClientDecision
{
    /// <summary>What kind of answer this is.</summary>
    DecisionKind Kind { get; }

    /// <summary>The reason of a refusal.</summary>
    Refusal Refusal { get; }

    /// <summary>The hashes to compute when <see cref="Kind"/> is <see cref="DecisionKind.Prove"/>.</summary>
    ImmutableArray<SlowHashChallenge> Challenges { get; }
}

/// <summary>The decision of one token request.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.issue-token-answer.v1")]
public sealed record IssueTokenAnswer : IClientDecision
{
    /// <summary>What kind of answer this is.</summary>
    [Id(0)] public required DecisionKind Kind { get; init; }

    /// <summary>What the token may hold; present when <see cref="Kind"/> is <see cref="DecisionKind.Allowed"/>.</summary>
    [Id(1)] public TokenGrant? Grant { get; init; }

    /// <summary>The reason of a refusal.</summary>
    [Id(2)] public Refusal Refusal { get; init; }

    /// <summary>The hashes to compute when <see cref="Kind"/> is <see cref="DecisionKind.Prove"/>.</summary>
    [Id(3)] public ImmutableArray<SlowHashChallenge> Challenges { get; init; } = [];

    /// <summary>What the grain waits for. Only an older build sets it, with not now; this build ignores it.</summary>
    [Id(4)] public NotNowReason Reason { get; init; }

    /// <summary>When a token can be had again (limited, quota). An older build sets it with not now too; this build ignores it there.</summary>
    [Id(5)] public TimeSpan Delay { get; init; }

    /// <summary>Where a limited client stands; null for a client without limit and quota.</summary>
    [Id(6)] public LimitStanding? Limit { get; init; }
}

/// <summary>What an allowed token holds (RFC 9068 section 2.2).</summary>
[GenerateSerializer, Immutable, Alias("authcluster.token-grant.v1")]
public sealed record TokenGrant
{
    /// <summary>Granted scopes, separated by one space, in the order of registration; empty for none.</summary>
    [Id(0)] public required string Scope { get; init; }

    /// <summary>The values of <c>aud</c>, at least one.</summary>
    [Id(1)] public required ImmutableArray<string> Audiences { get; init; }

    /// <summary>Seconds from issue to expiry.</summary>
    [Id(2)] public required int LifetimeSeconds { get; init; }

    /// <summary>The token generation: the cluster's floor plus the client's own count.</summary>
    [Id(3)] public required long Generation { get; init; }

    /// <summary>The client's configured claims as a compact JSON object, or null for none.</summary>
    [Id(4)] public string? ClaimsJson { get; init; }

    /// <summary>For how many seconds a token may be handed out again for the same grant; 0 for never.</summary>
    [Id(5)] public int ReuseSeconds { get; init; }

    /// <summary>Changes whenever a token of the client was revoked, so that none that was is handed out again. Says nothing else.</summary>
    [Id(6)] public long RevocationMark { get; init; }
}

/// <summary>Where a limited client stands, for the <c>RateLimit</c> fields.</summary>
/// <param name="TokensPerSecond">The rate limit; 0 when there is none.</param>
/// <param name="Burst">The burst of the rate limit.</param>
/// <param name="Remaining">Tokens that could be had at once.</param>
/// <param name="ResetAfter">Until the burst is whole again.</param>
/// <param name="QuotaTokens">The quota; 0 when there is none.</param>
/// <param name="QuotaPeriodSeconds">Length of the quota's period.</param>
/// <param name="QuotaRemaining">What is left of the quota in this period.</param>
/// <param name="QuotaResetAfter">Until the period ends.</param>
/// <param name="RateExceeded">Whether the token was issued over a rate limit that only observes.</param>
/// <param name="QuotaExceeded">Whether the token was issued over a quota that only observes.</param>
[GenerateSerializer, Immutable, Alias("authcluster.limit-standing.v1")]
public sealed record LimitStanding(
    [property: Id(0)] double TokensPerSecond,
    [property: Id(1)] long Burst,
    [property: Id(2)] long Remaining,
    [property: Id(3)] TimeSpan ResetAfter,
    [property: Id(4)] long QuotaTokens,
    [property: Id(5)] long QuotaPeriodSeconds,
    [property: Id(6)] long QuotaRemaining,
    [property: Id(7)] TimeSpan QuotaResetAfter,
    [property: Id(8)] bool RateExceeded = false,
    [property: Id(9)] bool QuotaExceeded = false)
{
    /// <summary>Whether the token was issued over a limit that only observes.</summary>
    public bool IsExceeded => RateExceeded || QuotaExceeded;
}
