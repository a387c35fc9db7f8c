using System.Collections.Concurrent;
using Orleans.GrainDirectory;
using Orleans.Metadata;
using Orleans.Runtime.GrainDirectory;
using Orleans.Runtime.Placement;

namespace AuthCluster.TwinSilos;

/// <summary>A grain directory that knows the activations of its own silo alone.</summary>
internal sealed class OwnDirectory : IGrainDirectory
{
    private readonly ConcurrentDictionary<GrainId, GrainAddress> _activations = new();

    public Task<GrainAddress?> Register(GrainAddress address) => Task.FromResult<GrainAddress?>(_activations.GetOrAdd(address.GrainId, address));

    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress)
    {
        if (previousAddress is not null)
        {
            Remove(previousAddress);
        }

        return Register(address);
    }

    public Task Unregister(GrainAddress address)
    {
        Remove(address);
        return Task.CompletedTask;
    }

    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult(_activations.GetValueOrDefault(grainId));

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;

    private void Remove(GrainAddress address)
    {
        if (_activations.TryGetValue(address.GrainId, out var known) && known.Matches(address))
        {
            _activations.TryRemove(KeyValuePair.Create(address.GrainId, known));
        }
    }
}

/// <summary>Gives client grains the directory of their own silo.</summary>
internal sealed class OwnDirectoryResolver : IGrainDirectoryResolver
{
    public static readonly GrainType Client = GrainType.Create("client");

    private readonly OwnDirectory _directory = new();

    public bool TryResolveGrainDirectory(GrainType grainType, GrainProperties? properties, out IGrainDirectory grainDirectory)
    {
        grainDirectory = _directory;
        return grainType == Client;
    }
}

/// <summary>Places client grains on the silo that is asked for them.</summary>
internal sealed class OwnPlacementResolver : IPlacementStrategyResolver
{
    private readonly PreferLocalPlacement _placement = new();

    public bool TryResolvePlacementStrategy(GrainType grainType, GrainProperties? properties, out PlacementStrategy result)
    {
        result = _placement;
        return grainType == OwnDirectoryResolver.Client;
    }
}
