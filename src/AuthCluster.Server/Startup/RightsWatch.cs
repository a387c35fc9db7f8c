using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Time;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>Tells readiness whether this silo may decide, and ends a process that never may again.</summary>
internal sealed partial class RightsWatch(
    SiloRights rights, Readiness readiness, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<RightsWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    // A silo that was declared dead is ended sooner, by DeathWatch; this is for one whose row has gone from the membership.
    private const int MaxPeriodsDead = 6;

    private int _periodsDead;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Watching the right to decide", clock, logger).RunAsync(Period, LookAsync, stoppingToken);

    private Task LookAsync(CancellationToken cancellationToken)
    {
        readiness.Deciding(rights.MayDecide);
        if (rights.HasDied && ++_periodsDead == MaxPeriodsDead)
        {
            LogGone();
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(1612, LogLevel.Critical, "The membership holds no row of this silo any more, or calls it dead; it decides nothing and ends, to be started again.")]
    private partial void LogGone();
}
