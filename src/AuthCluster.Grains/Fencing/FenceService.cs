using System.Security.Cryptography;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace AuthCluster.Grains.Fencing;

/// <summary>What other silos ask of the fence of this one.</summary>
internal sealed class FenceService(
    GrainId id, Silo silo, ILoggerFactory loggers, SiloRights rights, FenceClient silos, IClusterMembershipService members, IKeyLoader keys)
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

    public Task<VoidAnswer?> PassVoidOnAsync(string silo, string key, long version) => silos.VoidDirectlyAsync(silo, key, version);

    // A silo that can't read the database learns of deaths from the others alone.
    public Task<bool> PingAsync(string asker) => Task.FromResult(
        rights.MayDecide
        && rights.Mandate.Answers(asker, rights.Now)
        && !members.CurrentSnapshot.IsDead(asker));

    public Task<bool> ReadsAsync() => Task.FromResult(rights.MayDecide && rights.Mandate.HasReadLately(rights.Now));
}

/// <summary>Asks another silo to void what is older than a version: see <see cref="FenceClient.VoidAsync"/>.</summary>
internal delegate Task<TimeSpan?> VoidOnSilo(string silo, string key, long version);

/// <summary>Asks another silo whether it may decide and knows the asking one as alive: see <see cref="FenceClient.PingAsync"/>.</summary>
internal delegate Task<bool> PingSilo(string silo, string asker);

/// <summary>Calls the <see cref="IFenceService"/> of a given silo, and does not wait long for one that hangs.</summary>
internal sealed class FenceClient(IServiceProvider services, SiloRights rights) : GrainServiceClient<IFenceService>(services)
{
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxRoundAboutTime = 2 * MaxAnswerTime;

    /// <summary>
    /// Asks a silo to void what is older than a version; when it does not answer, through another silo. Where two silos can't reach each other, and a third
    /// one reaches both, Orleans declares neither dead.
    /// </summary>
    /// <returns>How long leases of it may last yet; null when the silo has not acknowledged.</returns>
    public async Task<TimeSpan?> VoidAsync(string silo, string key, long version) =>
        (await VoidDirectlyAsync(silo, key, version) ?? await VoidThroughAnotherAsync(silo, key, version))?.LeaseLeft;

    /// <summary>Asks a silo to void what is older than a version, on the straight way alone.</summary>
    /// <returns>Null when the silo has not acknowledged.</returns>
    public Task<VoidAnswer?> VoidDirectlyAsync(string silo, string key, long version) =>
        AskAsync<VoidAnswer?>(silo, async service => await service.VoidAsync(key, version), MaxAnswerTime, unanswered: null);

    /// <summary>Asks a silo whether it may decide and knows the asking one as alive.</summary>
    /// <returns>False also when it does not answer.</returns>
    public Task<bool> PingAsync(string silo, string asker) => AskAsync(silo, service => service.PingAsync(asker), MaxAnswerTime, unanswered: false);

    /// <summary>Asks a silo whether it may decide by what it has just read.</summary>
    /// <returns>False also when it does not answer.</returns>
    public Task<bool> ReadsAsync(string silo) => AskAsync(silo, service => service.ReadsAsync(), MaxAnswerTime, unanswered: false);

    private async Task<VoidAnswer?> VoidThroughAnotherAsync(string silo, string key, long version)
    {
        var others = rights.Mandate.Peers.Remove(silo);
        return others.IsEmpty
            ? null
            : await AskAsync(
                others[RandomNumberGenerator.GetInt32(others.Length)],
                service => service.PassVoidOnAsync(silo, key, version),
                MaxRoundAboutTime,
                unanswered: null);
    }

    private async Task<T> AskAsync<T>(string silo, Func<IFenceService, Task<T>> ask, TimeSpan within, T unanswered)
    {
        if (!SiloNames.TryParse(silo, out var address))
        {
            return unanswered;
        }

        try
        {
            // Other silos answer in real time, whatever clock this one decides by.
            return await ask(GetGrainService(address)).WaitAsync(within, TimeProvider.System);
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, CancellationToken.None))
        {
            // Whoever asks does so again, or the membership says that the silo has died.
            return unanswered;
        }
    }
}
