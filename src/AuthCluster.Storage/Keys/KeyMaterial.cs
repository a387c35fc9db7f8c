using System.Collections.Immutable;

namespace AuthCluster.Storage.Keys;

/// <summary>Where a signing key is in its life.</summary>
public enum StoredKeyState
{
    /// <summary>Published, does not sign yet.</summary>
    Pending = 0,

    /// <summary>Signs.</summary>
    Active = 1,

    /// <summary>No longer signs; published until its last token has expired.</summary>
    Retired = 2,

    /// <summary>Its tokens are dead; no longer published.</summary>
    Revoked = 3,
}

/// <summary>A signing key as it is stored, its private part wrapped.</summary>
public sealed record StoredSigningKey
{
    /// <summary>RFC 7638 thumbprint.</summary>
    public required string Kid { get; init; }

    /// <summary><c>ES256</c>, <c>RS256</c> or <c>PS256</c>.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required StoredKeyState State { get; init; }

    /// <summary>The private part, wrapped by the key-encryption key.</summary>
    public required ImmutableArray<byte> WrappedPrivateKey { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when on it may become active; null when that was not planned.</summary>
    public DateTimeOffset? ActivatesAt { get; init; }

    /// <summary>When it became active.</summary>
    public DateTimeOffset? ActiveAt { get; init; }

    /// <summary>When it stopped to sign.</summary>
    public DateTimeOffset? RetiredAt { get; init; }

    /// <summary>When it left the published set.</summary>
    public DateTimeOffset? RemovedAt { get; init; }

    /// <summary>Prints nothing of the key.</summary>
    public override string ToString() => $"StoredSigningKey({Kid}, {Algorithm}, {State})";
}

/// <summary>A pepper as it is stored, wrapped.</summary>
/// <param name="PepperId">Its id, which the secrets under it name.</param>
/// <param name="WrappedValue">Its bytes, wrapped by the key-encryption key.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record StoredPepper(string PepperId, ImmutableArray<byte> WrappedValue, DateTimeOffset CreatedAt)
{
    /// <summary>Prints nothing of the value.</summary>
    public override string ToString() => $"StoredPepper({PepperId})";
}

/// <summary>All key material as of one moment.</summary>
/// <param name="RingVersion">Moves with each change of the keys and peppers, and with each raise of the floor.</param>
/// <param name="SigningKeys">All keys that ever were, in the order of creation.</param>
/// <param name="Peppers">All peppers, oldest first; new secrets go under the last.</param>
/// <param name="Floor">The generation floor of the cluster.</param>
public sealed record KeyMaterial(
    long RingVersion, ImmutableArray<StoredSigningKey> SigningKeys, ImmutableArray<StoredPepper> Peppers, long Floor);

/// <summary>What tells whether a silo still holds what is stored.</summary>
/// <param name="Version">The ring's version.</param>
/// <param name="Floor">The generation floor of the cluster.</param>
public sealed record KeyRingVersion(long Version, long Floor);

/// <summary>A wrapped value that replaces another.</summary>
/// <param name="Id">The <c>kid</c> or the pepper's id.</param>
/// <param name="Wrapped">The value under the new key-encryption key.</param>
public sealed record RewrappedValue(string Id, ImmutableArray<byte> Wrapped)
{
    /// <summary>Prints nothing of the value.</summary>
    public override string ToString() => $"RewrappedValue({Id})";
}
