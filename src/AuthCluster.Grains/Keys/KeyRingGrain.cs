using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Keys;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Keys;

namespace AuthCluster.Grains.Keys;

/// <summary>The only writer of the signing keys and the floor. Holds nothing in memory that storage does not.</summary>
[GrainType("key-ring")]
internal sealed class KeyRingGrain(KeyMaterialStore store, GenerationFloor floor, TimeProvider clock) : Grain, IKeyRingGrain
{
    public async Task<KeySnapshotAnswer> GetSnapshotAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return new KeySnapshotAnswer(await store.ReadAsync(cancellationToken) is { } material ? KeySnapshots.Of(material) : null);
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            return new KeySnapshotAnswer(null);
        }
    }

    public async Task<RaiseFloorAnswer> RaiseFloorAsync(ActorRecord actor, CancellationToken cancellationToken = default)
    {
        try
        {
            var raised = await store.RaiseFloorAsync(clock.GetUtcNow(), AuditOf(actor), cancellationToken);
            floor.Adopt(raised);
            return new RaiseFloorAnswer(true, raised);
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            return new RaiseFloorAnswer(false, floor.Value);
        }
    }

    private AuditEntry AuditOf(ActorRecord actor) => new()
    {
        AuditId = actor.AuditId,
        At = clock.GetUtcNow(),
        Actor = actor.Actor,
        Action = "cluster.revoke-tokens",
        Target = "*",
        RemoteAddress = actor.RemoteAddress,
        RequestId = actor.RequestId,
    };
}
