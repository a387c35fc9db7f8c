using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;

namespace AuthCluster.Web.Keys;

/// <summary>Holds the key snapshot of this process. Whoever learns of newer keys hands them in; readers never wait.</summary>
/// <param name="encryptionKey">The key-encryption key, 32 bytes.</param>
public sealed class KeyRing(ReadOnlyMemory<byte> encryptionKey)
{
    private KeySnapshot? _current;

    /// <summary>The snapshot; null until the first one has come.</summary>
    public KeySnapshot? Current => Volatile.Read(ref _current);

    /// <summary>Takes over a snapshot; does nothing when it is the one held.</summary>
    /// <exception cref="CryptographicException">A key can't be unwrapped, or none is active.</exception>
    public void Adopt(KeySnapshotRecord record)
    {
        if (Current is { } held && IsSame(held.Source, record))
        {
            return;
        }

        Volatile.Write(ref _current, KeySnapshot.From(record, encryptionKey.Span));
    }

    private static bool IsSame(KeySnapshotRecord a, KeySnapshotRecord b) =>
        a.Keys.Length == b.Keys.Length
        && a.Keys.Zip(b.Keys).All(pair => pair.First.Kid == pair.Second.Kid && pair.First.State == pair.Second.State);
}
