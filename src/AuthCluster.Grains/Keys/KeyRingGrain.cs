using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Keys;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Protocol.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Keys;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Keys;

/// <summary>
/// The only writer of the floor. Gives front ends the keys from its silo's memory, without asking storage.
/// </summary>
[GrainType("key-ring")]
internal sealed partial class KeyRingGrain(
    KeyMaterialStore store, StorageGate gate, HeldKeys held, GenerationFloor floor, FencedWrites fence, TimeProvider clock, ILogger<KeyRingGrain> logger)
    : Grain, IKeyRingGrain
{
    public Task<KeySnapshotAnswer> GetSnapshotAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult(new KeySnapshotAnswer(held.Current));

    public async Task<RaiseFloorAnswer> RaiseFloorAsync(ActorRecord actor, CancellationToken cancellationToken = default)
    {
        try
        {
            var began = clock.GetTimestamp();
            KeyRingVersion? raised = null;
            await gate.RunAsync(
                StorageLane.Changes,
                async token => raised = await store.RaiseFloorAsync(
                    clock.GetUtcNow(), ClientDocument.MaxTokenLifetime, AuditEntry.Of(actor, "cluster.revoke-tokens", "*", clock.GetUtcNow()), token),
                cancellationToken);
            var answer = await fence.ConfirmAsync(IKeyRingGrain.Key, raised!.Version, WriteKind.Change, actor.AnswerWithin, clock.GetElapsedTime(began));
            return new RaiseFloorAnswer(answer.Outcome != FenceOutcome.Unknown, raised.Floor, FencedAnswers.UnconfirmedFor(answer));
        }
        catch (Exception e) when (StorageFaults.IsFault(e))
        {
            LogNotRaised(e);
            return new RaiseFloorAnswer(false, floor.Value);
        }
    }

    [LoggerMessage(1214, LogLevel.Warning, "Storage refused, or did not confirm, that the generation floor was raised; the caller gets 503.")]
    private partial void LogNotRaised(Exception exception);
}
