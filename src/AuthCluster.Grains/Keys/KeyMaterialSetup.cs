using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>Reads the key material of a cluster when a silo starts, and creates it when there is none.</summary>
public static class KeyMaterialSetup
{
    private const int PepperBytes = 32;
    private const int RsaBits = 2_048;

    /// <summary>
    /// Creates the first keys (one active, one standby), the pepper and the floor unless they are stored, and returns
    /// what is stored. Several silos may do so at once: all of them get what one of them stored.
    /// </summary>
    /// <param name="store">The key material store.</param>
    /// <param name="encryptionKey">The key-encryption key, 32 bytes.</param>
    /// <param name="algorithm"><c>ES256</c>, <c>RS256</c> or <c>PS256</c>, for keys that are created now.</param>
    /// <param name="publishAhead">How long a standby key is published before it may sign.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellationToken">Ends the reads and writes.</param>
    /// <exception cref="CryptographicException">The stored material was wrapped under another key-encryption key.</exception>
    public static async Task<SiloKeys> EnsureAsync(
        KeyMaterialStore store, ReadOnlyMemory<byte> encryptionKey, string algorithm, TimeSpan publishAhead, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(clock);
        var material = await store.ReadAsync(cancellationToken);
        if (material is null)
        {
            var now = clock.GetUtcNow();
            var active = NewKey(algorithm, encryptionKey.Span, now) with { State = StoredKeyState.Active, ActiveAt = now };
            var standby = NewKey(algorithm, encryptionKey.Span, now.AddMilliseconds(1)) with { ActivatesAt = now + publishAhead };
            material = await store.InitialiseAsync([active, standby], NewPepper(encryptionKey.Span, now), now, cancellationToken);
        }

        var peppers = new PepperRing();
        peppers.Load([.. material.Peppers.Select(pepper => KeyValuePair.Create(pepper.PepperId, Unwrap(pepper, encryptionKey.Span)))]);
        return new SiloKeys(peppers, KeySnapshots.Of(material));
    }

    /// <summary>Creates a pending signing key, its private part wrapped.</summary>
    private static StoredSigningKey NewKey(string algorithm, ReadOnlySpan<byte> encryptionKey, DateTimeOffset now)
    {
        string kid;
        byte[] pkcs8;
        if (algorithm == JsonWebKeys.Es256)
        {
            using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            kid = JsonWebKeys.Thumbprint(ecdsa.ExportParameters(includePrivateParameters: false));
            pkcs8 = ecdsa.ExportPkcs8PrivateKey();
        }
        else
        {
            using var rsa = RSA.Create(RsaBits);
            kid = JsonWebKeys.Thumbprint(rsa.ExportParameters(includePrivateParameters: false));
            pkcs8 = rsa.ExportPkcs8PrivateKey();
        }

        var wrapped = Wrap(encryptionKey, KeyWrap.SigningKeyKind, kid, pkcs8);
        CryptographicOperations.ZeroMemory(pkcs8);
        return new StoredSigningKey
        {
            Kid = kid,
            Algorithm = algorithm,
            State = StoredKeyState.Pending,
            WrappedPrivateKey = [.. wrapped],
            CreatedAt = now,
        };
    }

    private static StoredPepper NewPepper(ReadOnlySpan<byte> encryptionKey, DateTimeOffset now)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var value = RandomNumberGenerator.GetBytes(PepperBytes);
        return new StoredPepper(id, [.. Wrap(encryptionKey, KeyWrap.PepperKind, id, value)], now);
    }

    private static byte[] Wrap(ReadOnlySpan<byte> encryptionKey, string kind, string id, ReadOnlySpan<byte> value) =>
        KeyWrap.Wrap(encryptionKey, kind, id, value, RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes));

    private static byte[] Unwrap(StoredPepper pepper, ReadOnlySpan<byte> encryptionKey) =>
        KeyWrap.TryUnwrap(encryptionKey, KeyWrap.PepperKind, pepper.PepperId, pepper.WrappedValue.AsSpan(), out var value)
            ? value
            : throw new CryptographicException($"The pepper {pepper.PepperId} can't be unwrapped: the key-encryption key is another one.");
}

/// <summary>The key material of a silo.</summary>
/// <param name="Peppers">The peppers, unwrapped.</param>
/// <param name="Snapshot">The signing keys, wrapped, and the floor.</param>
public sealed record SiloKeys(PepperRing Peppers, KeySnapshotRecord Snapshot)
{
    /// <summary>The name alone: keys must not reach a log.</summary>
    public override string ToString() => nameof(SiloKeys);
}
