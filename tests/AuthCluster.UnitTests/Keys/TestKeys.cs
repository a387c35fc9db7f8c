using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using AuthCluster.Web.Keys;

namespace AuthCluster.UnitTests.Keys;

/// <summary>Snapshots of keys under a key-encryption key of their own.</summary>
internal sealed class TestKeys
{
    private readonly byte[] _encryptionKey = RandomNumberGenerator.GetBytes(KeyWrap.KeyBytes);

    public TestKeys() => Ring = new KeyRing(_encryptionKey);

    /// <summary>The ring that can unwrap them.</summary>
    public KeyRing Ring { get; }

    /// <summary>A snapshot with one new key, which is the active one.</summary>
    public KeySnapshotRecord Snapshot(string kid)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var record = new SigningKeyRecord
        {
            Kid = kid,
            Algorithm = "ES256",
            State = SigningKeyState.Active,
            WrappedPrivateKey = [.. KeyWrap.Wrap(
                _encryptionKey, KeyWrap.SigningKeyKind, kid, key.ExportPkcs8PrivateKey(), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes))],
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        return new KeySnapshotRecord([record], 0);
    }
}
