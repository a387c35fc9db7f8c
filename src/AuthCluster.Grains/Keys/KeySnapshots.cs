using AuthCluster.Contracts.Keys;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>Makes the snapshot that travels from what is stored.</summary>
internal static class KeySnapshots
{
    /// <summary>All keys that are still published or revoked lately, in the order of creation, and the floor.</summary>
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
