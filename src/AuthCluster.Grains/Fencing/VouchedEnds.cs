using AuthCluster.Contracts.Cluster;
using AuthCluster.Fence;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Grains.Fencing;

/// <summary>Takes the word of an operator that the process of a dead silo has ended.</summary>
internal sealed class VouchedEnds(
    FenceStore store, FreshReadings readings, SiloRights rights, FenceSettings settings, StorageGate gate, TimeProvider clock)
{
    /// <summary>Takes it, after the time in which leases of that silo may still last.</summary>
    public async Task<VouchEndedOutcome> TakeAsync(VouchEndedCommand command, CancellationToken cancellationToken)
    {
        if (!settings.IsShared || !SiloNames.TryParse(command.Address, out var address))
        {
            return VouchEndedOutcome.NotFound;
        }

        if (await readings.ReadRowsAsync() is not { } reading)
        {
            return VouchEndedOutcome.Unavailable;
        }

        switch (reading.View.Find(address.ToString())?.Standing)
        {
            case SiloStanding.Active or SiloStanding.Joining:
                return VouchEndedOutcome.Alive;
            case SiloStanding.Dead:
                await Task.Delay(rights.Pace.EndProofDelay, clock, cancellationToken);
                break;
        }

        try
        {
            var isEnded = false;
            await gate.RunAsync(
                StorageLane.Changes,
                async token => isEnded = await store.VouchEndedAsync(
                    address.Endpoint.Address.ToString(), address.Endpoint.Port, address.Generation, AuditEntry.Of(command.Actor, "silo.ended", address.ToString(), clock.GetUtcNow()), token),
                cancellationToken);
            return isEnded ? VouchEndedOutcome.Done : VouchEndedOutcome.NotFound;
        }
        catch (StorageUnavailableException)
        {
            return VouchEndedOutcome.Unavailable;
        }
    }
}
