using AuthCluster.Contracts.Keys;
using AuthCluster.Grains.Fencing;
using Orleans.Concurrency;

namespace AuthCluster.Grains.Keys;

/// <summary>Lends the keys of the silo that gets the call: any silo may lend them, so that the end of one leaves no front end without.</summary>
[GrainType("key-lease"), StatelessWorker(maxLocalWorkers: 1)]
internal sealed class KeyLeaseGrain(HeldKeys held, SiloRights rights) : Grain, IKeyLeaseGrain
{
    private static readonly KeyLeaseAnswer NotNow = new(null, TimeSpan.Zero);

    public async Task<KeyLeaseAnswer> LendAsync(CancellationToken cancellationToken = default)
    {
        if (!rights.MayDecide && !await rights.WaitAsync())
        {
            return NotNow;
        }

        // Read the keys after the lease is granted: keys that are loaded in between may be newer than the lease, but never older.
        var lease = rights.Fence.Grant(rights.Keys, rights.Pace.LeaseTerm, rights.Now);
        return lease > TimeSpan.Zero ? new KeyLeaseAnswer(held.Current, lease) : NotNow;
    }
}
