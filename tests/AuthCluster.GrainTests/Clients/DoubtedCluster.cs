using System.Collections.Concurrent;
using AuthCluster.Contracts.Clients;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.GrainTests.Cluster;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.GrainTests.Clients;

/// <summary>A cluster in which the test says where a write holds.</summary>
public sealed class DoubtedCluster : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _confirmed = new();

    public DoubtedCluster() => Grains = new GrainCluster
    {
        Also = (silo, _) => silo.Services.AddSingleton<ConfirmWrite>(services => async (key, version, kind, within, spent) =>
        {
            var answer = await services.GetRequiredService<FencedWrites>().ConfirmAsync(key, version, kind, within, spent);
            _confirmed.Enqueue(key);
            return Outcome switch
            {
                FenceOutcome.NotEverywhere => new FenceAnswer(FenceOutcome.NotEverywhere, [new UnconfirmedSilo("silent", InDoubtFor)]),
                FenceOutcome.Unknown => new FenceAnswer(FenceOutcome.Unknown, []),
                _ => answer,
            };
        }),
    };

    public static TimeSpan InDoubtFor { get; } = TimeSpan.FromMinutes(3);

    public GrainCluster Grains { get; }

    /// <summary>Where writes hold from now on.</summary>
    public FenceOutcome Outcome { get; set; }

    /// <summary>How often a write of a client's row was made to hold on every silo.</summary>
    public int ConfirmationsOf(string clientId) => _confirmed.Count(key => key == ClientGrainKey.Of(clientId));

    public ValueTask InitializeAsync() => Grains.InitializeAsync();

    public ValueTask DisposeAsync() => Grains.DisposeAsync();
}
