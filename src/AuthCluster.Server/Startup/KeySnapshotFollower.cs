using System.Security.Cryptography;
using AuthCluster.Server.Telemetry;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Keys;

namespace AuthCluster.Server.Startup;

/// <summary>Borrows the keys from the silos, for a front end without a silo.</summary>
internal sealed partial class KeySnapshotFollower(
    KeyRing keys, KeyLease lease, KeyBorrower borrower, IHostApplicationLifetime lifetime, ILogger<KeySnapshotFollower> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        keys.UseRight(lease);
        try
        {
            await borrower.RunAsync(stoppingToken);
        }
        catch (CryptographicException)
        {
            LogWrongKey();
            Environment.ExitCode = 1;
            await ServerConsole.TellAsync([SiloPreparation.WrongEncryptionKey]);
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(1200, LogLevel.Critical, "The key-encryption key of this front end is not that of the silos.")]
    private partial void LogWrongKey();
}
