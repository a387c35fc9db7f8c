using AuthCluster.Contracts.Keys;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>Turns stored key material into the snapshot that is sent to front ends.</summary>
internal static class KeySnapshots
{
    /// <summary>The floor, and the keys that are published or were revoked lately, in the order of their creation.</summary>
    public static KeySnapshotRecord Of(KeyMaterial material) => new(
        [.. material.SigningKeys.Where(key => key.RemovedAt is null || key.State == StoredKeyState.Revoked).Select(Of)],
        material.Floor);

    private static SigningKeyRecord Of(StoredSigningKey key) => new()
    {
        Kid = key.Kid,
        Algorithm = key.Algorithm,
        State = key.State switch
        {
            StoredKeyState.Pending => SigningKeyState.Pending,
            StoredKeyState.Active => SigningKeyState.Active,
            StoredKeyState.Retired => SigningKeyState.Retired,
            StoredKeyState.Revoked => SigningKeyState.Revoked,
            _ => throw new ArgumentOutOfRangeException(nameof(key)),
        },
        WrappedPrivateKey = key.WrappedPrivateKey,
        CreatedAt = key.CreatedAt,
    };
}
