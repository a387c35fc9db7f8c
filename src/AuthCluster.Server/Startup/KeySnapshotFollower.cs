using System.Security.Cryptography;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Keys;
using AuthCluster.Grains.Time;
using AuthCluster.Server.Telemetry;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Keys;

namespace AuthCluster.Server.Startup;

/// <summary>Fetches the key snapshot from the silos each second, for a front end without a silo.</summary>
internal sealed partial class KeySnapshotFollower(
    IGrainFactory grains, KeyRing keys, Readiness readiness, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<KeySnapshotFollower> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    // Longer than it takes until another silo has activated the grain of a silo that hangs.
    private static readonly TimeSpan UnlinkedAfter = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan MaxAnswerTime = TimeSpan.FromSeconds(5);

    private long _answeredAt;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _answeredAt = clock.GetTimestamp();
        return new Ticks("Fetching the signing keys", clock, logger).RunAsync(Period, FollowAsync, stoppingToken);
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FetchAsync(cancellationToken);
        }
        finally
        {
            readiness.Linked(clock.GetElapsedTime(_answeredAt) < UnlinkedAfter);
        }
    }

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            if ((await grains.GetGrain<IKeyRingGrain>(IKeyRingGrain.Key).GetSnapshotAsync(cancellationToken).WaitAsync(MaxAnswerTime, clock, cancellationToken)).Snapshot is { } snapshot)
            {
                keys.Update(snapshot);
                readiness.Started();
                _answeredAt = clock.GetTimestamp();
            }
        }
        catch (CryptographicException)
        {
            LogWrongKey();
            Environment.ExitCode = 1;
            await ServerConsole.TellAsync([SiloPreparation.WrongEncryptionKey]);
            lifetime.StopApplication();
        }
        catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
        {
            LogNoSilo(e.GetType().Name);
        }
    }

    [LoggerMessage(1200, LogLevel.Critical, "The key-encryption key of this front end is not that of the silos.")]
    private partial void LogWrongKey();

    [LoggerMessage(1201, LogLevel.Warning, "No silo gave the signing keys ({Reason}); asking again.")]
    private partial void LogNoSilo(string reason);
}
