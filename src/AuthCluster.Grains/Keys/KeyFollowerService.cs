using AuthCluster.Contracts.Keys;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace AuthCluster.Grains.Keys;

/// <summary>The part of one silo that takes over a raised floor at once.</summary>
internal sealed class KeyFollowerService(GrainId id, Silo silo, ILoggerFactory loggers, GenerationFloor floor)
    : GrainService(id, silo, loggers), IKeyFollowerService
{
    public Task AdoptFloorAsync(long raised)
    {
        floor.TryRaise(raised);
        return Task.CompletedTask;
    }
}

/// <summary>Reaches the <see cref="IKeyFollowerService"/> of a chosen silo.</summary>
internal sealed class KeyFollowerClient(IServiceProvider services) : GrainServiceClient<IKeyFollowerService>(services)
{
    public IKeyFollowerService Of(SiloAddress silo) => GetGrainService(silo);
}
