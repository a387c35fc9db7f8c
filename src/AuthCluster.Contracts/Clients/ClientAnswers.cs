using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Contracts.Clients;

/// <summary>How a call of a client's grain ended.</summary>
public enum ClientOutcome
{
    /// <summary>Done, and stored.</summary>
    Done = 0,

    /// <summary>There is no such client (or secret).</summary>
    NotFound = 1,

    /// <summary>The id is taken.</summary>
    Taken = 2,

    /// <summary>The ETag is not the present one.</summary>
    Stale = 3,

    /// <summary>It is the last valid secret, and force was not given.</summary>
    LastSecret = 4,

    /// <summary>It is the last enabled admin.</summary>
    LastAdmin = 5,

    /// <summary>A bound is reached, such as 10,000 revoked tokens or 32 secrets.</summary>
    TooMany = 6,

    /// <summary>Storage does not answer; whether the change was made is not known, and asking again is safe.</summary>
    Unavailable = 7,
}

/// <summary>The answer to an administrative call.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.client-answer.v1")]
public sealed record ClientAnswer
{
    /// <summary>How it ended.</summary>
    [Id(0)] public required ClientOutcome Outcome { get; init; }

    /// <summary>The client after the call; null when there is none.</summary>
    [Id(1)] public ClientView? Client { get; init; }

    /// <summary>The ETag that the change gave the client. At a repeat of a change that was made before, that of then.</summary>
    [Id(2)] public string? ETag { get; init; }

    /// <summary>
    /// Null when the change holds on every silo; else for how long, as far as is known, a silo that could not be asked may still decide by an
    /// older state.
    /// </summary>
    [Id(3)] public TimeSpan? UnconfirmedFor { get; init; }
}

/// <summary>The answer to a patch.</summary>
/// <param name="Answer">How it ended; meaningless where there are problems.</param>
/// <param name="Problems">What is wrong with the document that the patch makes of the present one; nothing was changed then.</param>
[GenerateSerializer, Immutable, Alias("authcluster.patch-client-answer.v1")]
public sealed record PatchClientAnswer(
    [property: Id(0)] ClientAnswer Answer,
    [property: Id(1)] ImmutableArray<FieldProblem> Problems);

/// <summary>What is wrong with one field of a document.</summary>
/// <param name="Field">The field's path; <c>$</c> is the document as a whole.</param>
/// <param name="Problem">What is wrong, as a sentence.</param>
[GenerateSerializer, Immutable, Alias("authcluster.field-problem.v1")]
public sealed record FieldProblem([property: Id(0)] string Field, [property: Id(1)] string Problem);

/// <summary>A client as the admin API shows it: no secret material.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.client-view.v1")]
public sealed record ClientView
{
    /// <summary>The client id.</summary>
    [Id(0)] public required string ClientId { get; init; }

    /// <summary>The document as compact JSON, without the members that the server makes.</summary>
    [Id(1)] public required string DocumentJson { get; init; }

    /// <summary>Whether it may get tokens.</summary>
    [Id(2)] public required bool Enabled { get; init; }

    /// <summary>The ETag's value, without quotes.</summary>
    [Id(3)] public required string ETag { get; init; }

    /// <summary>When it was created.</summary>
    [Id(4)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    [Id(5)] public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Its secrets.</summary>
    [Id(6)] public ImmutableArray<SecretView> Secrets { get; init; } = [];

    /// <summary>When it last got a token, to the minute; null for never. May lag by seconds.</summary>
    [Id(7)] public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>A secret's metadata.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.secret-view.v1")]
public sealed record SecretView
{
    /// <summary>The secret's id.</summary>
    [Id(0)] public required string SecretId { get; init; }

    /// <summary>Where it came from.</summary>
    [Id(1)] public required SecretKind Kind { get; init; }

    /// <summary>Its label.</summary>
    [Id(2)] public string? Label { get; init; }

    /// <summary>When it was added.</summary>
    [Id(3)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it starts to be valid.</summary>
    [Id(4)] public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it ends.</summary>
    [Id(5)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was last used, to the minute.</summary>
    [Id(6)] public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>The answer to an authentication without a token request.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.authenticate-answer.v1")]
public sealed record AuthenticateAnswer : IClientDecision
{
    /// <summary>Allowed, refused, prove, not now or unavailable.</summary>
    [Id(0)] public required DecisionKind Kind { get; init; }

    /// <summary>Why it was refused.</summary>
    [Id(1)] public Refusal Refusal { get; init; }

    /// <summary>The hashes to compute.</summary>
    [Id(2)] public ImmutableArray<SlowHashChallenge> Challenges { get; init; } = [];

    /// <summary>The client's scopes.</summary>
    [Id(3)] public ImmutableArray<string> Scopes { get; init; } = [];

    /// <summary>The audiences that the client is the API of.</summary>
    [Id(4)] public ImmutableArray<string> Introspects { get; init; } = [];

    /// <summary>When to ask again. Only an older build sets it, with not now; this build ignores it.</summary>
    [Id(5)] public TimeSpan Delay { get; init; }

    /// <summary>What the grain waits for. Only an older build sets it, with not now; this build ignores it.</summary>
    [Id(6)] public NotNowReason Reason { get; init; }
}

/// <summary>Whether a token is active.</summary>
public enum TokenStanding
{
    /// <summary>It is active.</summary>
    Active = 0,

    /// <summary>Its generation is past, or it was revoked, or its client is disabled or gone, or has lost the scope that was asked about.</summary>
    Inactive = 1,

    /// <summary>It can't be known now: storage does not answer.</summary>
    Unknown = 2,
}

/// <summary>The answer to <see cref="CheckTokenCommand"/>.</summary>
/// <param name="Standing">Where the token stands.</param>
[GenerateSerializer, Immutable, Alias("authcluster.check-token-answer.v1")]
public sealed record CheckTokenAnswer([property: Id(0)] TokenStanding Standing);
