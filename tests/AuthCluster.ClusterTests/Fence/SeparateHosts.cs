using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Three silos and a front end, each on a host of its own, with a short outage grace; shared by the tests of the network's faults.</summary>
public sealed class SeparateHosts : IAsyncDisposable
{
    public static readonly TimeSpan OutageGrace = TimeSpan.FromSeconds(6);

    private TestNetwork? _network;
    private FencedCluster? _cluster;

    /// <summary>The cluster, sound and running; the test is skipped where there can be none.</summary>
    public async Task<FencedCluster> SoundAsync()
    {
        _network ??= await TestNetwork.CreateAsync(hosts: 4);
        _cluster ??= new FencedCluster { OutageGrace = $"{OutageGrace}", Network = _network };
        await _cluster.BeSoundAsync();
        return _cluster;
    }

    /// <summary>Drops all that a node sends to the others, or that they send to the node, or both.</summary>
    public async Task CutAsync(ServerProcess node, bool from, bool to)
    {
        foreach (var other in _cluster!.Nodes.Where(other => other != node))
        {
            if (from)
            {
                await CutAsync(node, other);
            }

            if (to)
            {
                await CutAsync(other, node);
            }
        }
    }

    /// <summary>Drops all that two nodes send to each other.</summary>
    public async Task CutBetweenAsync(ServerProcess one, ServerProcess other)
    {
        await CutAsync(one, other);
        await CutAsync(other, one);
    }

    /// <summary>Ends all cuts.</summary>
    public Task HealAsync() => _network!.HealAsync();

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        if (_network is not null)
        {
            await _network.DisposeAsync();
        }
    }

    private Task CutAsync(ServerProcess from, ServerProcess to)
    {
        var nodes = _cluster!.Nodes.ToList();
        return _network!.CutAsync(nodes.IndexOf(from), nodes.IndexOf(to));
    }
}

/// <summary>The tests that share them.</summary>
[CollectionDefinition(nameof(SeparateHosts))]
public sealed class SeparateHostsTests : ICollectionFixture<SeparateHosts>;
