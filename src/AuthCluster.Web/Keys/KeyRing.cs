using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;

namespace AuthCluster.Web.Keys;

/// <summary>Holds the key snapshot of this process, and knows whether tokens may be signed and judged by it at this moment.</summary>
/// <remarks>The metadata and the JWKS need no right: what they publish may be a little older.</remarks>
/// <param name="encryptionKey">The key-encryption key, 32 bytes.</param>
public sealed class KeyRing(ReadOnlyMemory<byte> encryptionKey)
{
    private KeySnapshot? _current;
    private ISigningRight? _right;

    /// <summary>The snapshot; null until the first one has come.</summary>
    public KeySnapshot? Current => Volatile.Read(ref _current);

    /// <summary>Whether tokens may be signed and judged by the snapshot at this moment. Ask at each token, before <see cref="Current"/> is read.</summary>
    public bool MayUse => (Volatile.Read(ref _right) is not { } right || right.Holds) && Current is not null;

    /// <summary>Sets what the use of the keys depends on; without it they may always be used.</summary>
    public void UseRight(ISigningRight right) => Volatile.Write(ref _right, right);

    /// <summary>Waits until the keys may be used, for a request that needs them.</summary>
    /// <param name="within">What is left of the request's deadline.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether they may be used now; if not, nobody knows whether a token may be signed or is valid.</returns>
    public ValueTask<bool> WaitUntilUsableAsync(TimeSpan within, CancellationToken cancellationToken) =>
        MayUse ? new ValueTask<bool>(true) : WaitForRightAsync(within, cancellationToken);

    /// <summary>Replaces the snapshot; does nothing when the keys are the same.</summary>
    /// <exception cref="CryptographicException">A key can't be unwrapped, or none is active.</exception>
    public void Update(KeySnapshotRecord record)
    {
        if (IsCurrent(record))
        {
            return;
        }

        Volatile.Write(ref _current, KeySnapshot.From(record, encryptionKey.Span));
    }

    /// <summary>Whether a record has the keys of the snapshot, each in the same state.</summary>
    internal bool IsCurrent(KeySnapshotRecord record) => Current is { } held && IsSame(held.Source, record);

    /// <summary>A key that only a holder of the key-encryption key can derive, for one purpose (HKDF-SHA-256, RFC 5869).</summary>
    /// <param name="salt">What else the key depends on.</param>
    /// <param name="purpose">What it is for.</param>
    public byte[] DeriveKey(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose)
    {
        var key = new byte[KeyWrap.KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, encryptionKey.Span, key, salt, purpose);
        return key;
    }

    private async ValueTask<bool> WaitForRightAsync(TimeSpan within, CancellationToken cancellationToken) =>
        Volatile.Read(ref _right) is { } right && await right.WaitAsync(within, cancellationToken) && MayUse;

    private static bool IsSame(KeySnapshotRecord a, KeySnapshotRecord b) =>
        a.Keys.Length == b.Keys.Length
        && a.Keys.Zip(b.Keys).All(pair => pair.First.Kid == pair.Second.Kid && pair.First.State == pair.Second.State);
}
