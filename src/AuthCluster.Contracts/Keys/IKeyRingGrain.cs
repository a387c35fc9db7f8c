using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using Orleans.Concurrency;

namespace AuthCluster.Contracts.Keys;

/// <summary>The cluster's signing keys and floor. The only writer of both; its key is <see cref="Key"/>.</summary>
[GrainInterfaceType("key-ring"), Alias("authcluster.key-ring")]
public interface IKeyRingGrain : IGrainWithStringKey
{
    /// <summary>The one key of this grain.</summary>
    const string Key = "k:ring";

    /// <summary>
    /// The keys that sign and verify now, with wrapped private parts, for front ends of older builds, which know no leases. Answered from memory,
    /// also while the floor is being raised.
    /// </summary>
    [Alias("get-snapshot"), AlwaysInterleave]
    Task<KeySnapshotAnswer> GetSnapshotAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends every token of every client that was issued so far, by raising the floor.</summary>
    [AlwaysInterleave, Alias("raise-floor")]
    Task<RaiseFloorAnswer> RaiseFloorAsync(ActorRecord actor, CancellationToken cancellationToken = default);
}

/// <summary>State of a signing key.</summary>
public enum SigningKeyState
{
    /// <summary>Published, does not sign yet.</summary>
    Pending = 0,

    /// <summary>Signs.</summary>
    Active = 1,

    /// <summary>No longer signs, still published until its last token has expired.</summary>
    Retired = 2,

    /// <summary>Revoked: no longer published, its tokens are dead.</summary>
    Revoked = 3,
}

/// <summary>One signing key, private part wrapped.</summary>
[GenerateSerializer, Immutable, Alias("authcluster.signing-key.v1")]
public sealed record SigningKeyRecord
{
    /// <summary>RFC 7638 thumbprint.</summary>
    [Id(0)] public required string Kid { get; init; }

    /// <summary><c>ES256</c>, <c>RS256</c> or <c>PS256</c>.</summary>
    [Id(1)] public required string Algorithm { get; init; }

    /// <summary>The state.</summary>
    [Id(2)] public required SigningKeyState State { get; init; }

    /// <summary>PKCS#8, wrapped by the key-encryption key with associated data of kind and id.</summary>
    [Id(3)] public required ImmutableArray<byte> WrappedPrivateKey { get; init; }

    /// <summary>When it was made.</summary>
    [Id(4)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Prints nothing of the key.</summary>
    public override string ToString() => $"SigningKeyRecord({Kid}, {Algorithm}, {State})";
}

/// <summary>The keys that sign and verify, and the floor: an immutable snapshot.</summary>
/// <param name="Keys">All keys that are not removed, in the order of creation.</param>
/// <param name="Floor">The generation floor of the cluster.</param>
[GenerateSerializer, Immutable, Alias("authcluster.key-snapshot.v1")]
public sealed record KeySnapshotRecord(
    [property: Id(0)] ImmutableArray<SigningKeyRecord> Keys,
    [property: Id(1)] long Floor);

/// <summary>The answer to a request for the snapshot.</summary>
/// <param name="Snapshot">The snapshot; null when storage does not answer.</param>
[GenerateSerializer, Immutable, Alias("authcluster.key-snapshot-answer.v1")]
public sealed record KeySnapshotAnswer([property: Id(0)] KeySnapshotRecord? Snapshot);

/// <summary>The answer to raising the floor.</summary>
/// <param name="Done">Whether it is stored.</param>
/// <param name="Floor">The floor now.</param>
/// <param name="UnconfirmedFor">
/// Null when it holds on every silo; else for how long, as far as is known, a silo that could not be asked may still go by the older floor.
/// </param>
[GenerateSerializer, Immutable, Alias("authcluster.raise-floor-answer.v1")]
public sealed record RaiseFloorAnswer(
    [property: Id(0)] bool Done,
    [property: Id(1)] long Floor,
    [property: Id(2)] TimeSpan? UnconfirmedFor = null);
