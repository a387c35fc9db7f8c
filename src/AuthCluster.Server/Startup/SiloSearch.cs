using AuthCluster.Storage;

namespace AuthCluster.Server.Startup;

/// <summary>Lets a front end that finds no silo at its start look again until it finds one. The front end is not ready meanwhile.</summary>
internal sealed partial class SiloSearch(TimeProvider clock, ILogger<SiloSearch> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(1);

    private readonly long _started = clock.GetTimestamp();

    /// <summary>Whether to try once more. A database that could not be reached for a minute ends the start, as it does for a silo.</summary>
    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        LogNoSilo(StorageFaults.IsUnavailable(exception) ? StorageReason.Of(exception) : exception.GetType().Name);
        if (StorageFaults.IsUnavailable(exception) && clock.GetElapsedTime(_started) > SiloPreparation.WaitForDatabase)
        {
            return false;
        }

        await Task.Delay(TryAgainAfter, clock, cancellationToken);
        return true;
    }

    [LoggerMessage(1601, LogLevel.Warning, "No silo was found yet ({Reason}); looking again.")]
    private partial void LogNoSilo(string reason);
}
