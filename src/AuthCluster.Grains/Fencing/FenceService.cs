using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace AuthCluster.Grains.Fencing;

/// <summary>What other silos ask of the fence of this one.</summary>
internal sealed class FenceService(GrainId id, Silo silo, ILoggerFactory loggers, SiloRights rights, IKeyLoader keys)
    : GrainService(id, silo, loggers), IFenceService
{
    public Task<VoidAnswer> VoidAsync(string key, long version)
    {
        var left = rights.Fence.Void(key, version, rights.Now);
        if (key == IKeyRingGrain.Key)
        {
            keys.LoadSoon();
        }

        return Task.FromResult(new VoidAnswer(left));
    }

    public Task<bool> PingAsync(string asker) => Task.FromResult(rights.Mandate.Answers(asker, rights.Now));
}

/// <summary>Calls the <see cref="IFenceService"/> of a given silo.</summary>
internal sealed class FenceClient(IServiceProvider services) : GrainServiceClient<IFenceService>(services)
{
    public IFenceService Of(SiloAddress silo) => GetGrainService(silo);
}
