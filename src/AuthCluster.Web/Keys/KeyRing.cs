using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;

namespace AuthCluster.Web.Keys;

/// <summary>Holds the key snapshot of this process. Readers never wait.</summary>
/// <param name="encryptionKey">The key-encryption key, 32 bytes.</param>
public sealed class KeyRing(ReadOnlyMemory<byte> encryptionKey)
{
    private KeySnapshot? _current;

    /// <summary>The snapshot; null until the first one has come.</summary>
    public KeySnapshot? Current => Volatile.Read(ref _current);

    /// <summary>Replaces the snapshot; does nothing when the keys are the same.</summary>
    /// <exception cref="CryptographicException">A key can't be unwrapped, or none is active.</exception>
    public void Update(KeySnapshotRecord record)
    {
        if (Current is { } held && IsSame(held.Source, record))
        {
            return;
        }

        Volatile.Write(ref _current, KeySnapshot.From(record, encryptionKey.Span));
    }

    /// <summary>A key that only a holder of the key-encryption key can derive, for one purpose (HKDF-SHA-256, RFC 5869).</summary>
    /// <param name="salt">What else the key depends on.</param>
    /// <param name="purpose">What it is for.</param>
    public byte[] DeriveKey(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose)
    {
        var key = new byte[KeyWrap.KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, encryptionKey.Span, key, salt, purpose);
        return key;
    }

    private static bool IsSame(KeySnapshotRecord a, KeySnapshotRecord b) =>
        a.Keys.Length == b.Keys.Length
        && a.Keys.Zip(b.Keys).All(pair => pair.First.Kid == pair.Second.Kid && pair.First.State == pair.Second.State);
}
