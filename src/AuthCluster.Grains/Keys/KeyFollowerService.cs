using AuthCluster.Contracts.Keys;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace AuthCluster.Grains.Keys;

/// <summary>Raises the floor of one silo at once when another silo says so.</summary>
internal sealed class KeyFollowerService(GrainId id, Silo silo, ILoggerFactory loggers, GenerationFloor floor)
    : GrainService(id, silo, loggers), IKeyFollowerService
{
    public Task AdoptFloorAsync(long raised)
    {
        floor.TryRaise(raised);
        return Task.CompletedTask;
    }
}

/// <summary>Calls the <see cref="IKeyFollowerService"/> of a given silo.</summary>
internal sealed class KeyFollowerClient(IServiceProvider services) : GrainServiceClient<IKeyFollowerService>(services)
{
    public IKeyFollowerService Of(SiloAddress silo) => GetGrainService(silo);
}
