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

/// <summary>Asks another silo to void what is older than a version: see <see cref="FenceClient.VoidAsync"/>.</summary>
internal delegate Task<TimeSpan?> VoidOnSilo(string silo, string key, long version);

/// <summary>Asks another silo whether it may decide and knows the asking one as alive: see <see cref="FenceClient.PingAsync"/>.</summary>
internal delegate Task<bool> PingSilo(string silo, string asker);

/// <summary>Calls the <see cref="IFenceService"/> of a given silo, and does not wait long for one that hangs.</summary>
internal sealed class FenceClient(IServiceProvider services) : GrainServiceClient<IFenceService>(services)
{
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromMilliseconds(500);

    /// <summary>Asks a silo to void what is older than a version.</summary>
    /// <returns>How long leases of it may last yet; null when the silo has not acknowledged.</returns>
    public async Task<TimeSpan?> VoidAsync(string silo, string key, long version) =>
        (await AskAsync<VoidAnswer?>(silo, async service => await service.VoidAsync(key, version), unanswered: null))?.LeaseLeft;

    /// <summary>Asks a silo whether it may decide and knows the asking one as alive.</summary>
    /// <returns>False also when it does not answer.</returns>
    public Task<bool> PingAsync(string silo, string asker) => AskAsync(silo, service => service.PingAsync(asker), unanswered: false);

    private async Task<T> AskAsync<T>(string silo, Func<IFenceService, Task<T>> ask, T unanswered)
    {
        if (!SiloNames.TryParse(silo, out var address))
        {
            return unanswered;
        }

        try
        {
            // Other silos answer in real time, whatever clock this one decides by.
            return await ask(GetGrainService(address)).WaitAsync(MaxAnswerTime, TimeProvider.System);
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, CancellationToken.None))
        {
            // Whoever asks does so again, or the membership says that the silo has died.
            return unanswered;
        }
    }
}
