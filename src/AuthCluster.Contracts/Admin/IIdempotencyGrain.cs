using System.Collections.Immutable;
using Orleans.Concurrency;

namespace AuthCluster.Contracts.Admin;

/// <summary>
/// The choices of requests with an <c>Idempotency-Key</c>. Any number of activations may answer: the table
/// decides who was first.
/// </summary>
[GrainInterfaceType("idempotency"), Alias("authcluster.idempotency")]
public interface IIdempotencyGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "a:idempotency";

    /// <summary>Stores the choices unless the key has valid ones, and answers those that are stored.</summary>
    [AlwaysInterleave, Alias("choose")]
    Task<IdempotencyAnswer> ChooseAsync(IdempotencyChoice choice, CancellationToken cancellationToken = default);

    /// <summary>Forgets a key, because what it asked for was refused.</summary>
    [AlwaysInterleave, Alias("forget")]
    Task<ForgetAnswer> ForgetAsync(ImmutableArray<byte> keyHash, CancellationToken cancellationToken = default);
}

/// <summary>What a request with an <c>Idempotency-Key</c> chose before it made anything.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.idempotency-choice.v1")]
public sealed record IdempotencyChoice
{
    /// <summary>SHA-256 of actor, path and key.</summary>
    [Id(0)] public required ImmutableArray<byte> KeyHash { get; init; }

    /// <summary>SHA-256 of the body.</summary>
    [Id(1)] public required ImmutableArray<byte> BodyHash { get; init; }

    /// <summary>The client.</summary>
    [Id(2)] public required string ClientId { get; init; }

    /// <summary>The id of its first secret, or of the one that is added; empty for none.</summary>
    [Id(3)] public string SecretId { get; init; } = "";

    /// <summary>The generated secret, encrypted under a key that only the same Idempotency-Key yields; empty for none.</summary>
    [Id(4)] public ImmutableArray<byte> EncryptedSecret { get; init; } = [];

    /// <summary>When the request first came.</summary>
    [Id(5)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Prints nothing of the hashes and the secret.</summary>
    public override string ToString() => $"IdempotencyChoice({ClientId})";
}

/// <summary>Whether a key was forgotten.</summary>
/// <param name="Done">False when storage does not answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.forget-answer.v1")]
public sealed record ForgetAnswer([property: Id(0)] bool Done);

/// <summary>The stored choices of a key.</summary>
/// <param name="Choice">The choices; null when storage does not answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.idempotency-answer.v1")]
public sealed record IdempotencyAnswer([property: Id(0)] IdempotencyChoice? Choice);
