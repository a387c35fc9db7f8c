using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Time;
using AuthCluster.Server.Telemetry;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Tells readiness whether this silo may decide. Ends a process that never may again, and one that may not while others read the database: the
/// others send it requests for its clients as long as it lives, and serve these clients themselves when it has gone.
/// </summary>
internal sealed partial class RightsWatch(
    SiloRights rights, OtherSilos others, Readiness readiness, ServerConsole console, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<RightsWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    // A silo that was declared dead is ended sooner, by DeathWatch; this is for one whose row has gone from the membership.
    private const int MaxPeriodsDead = 6;

    // Readiness goes first, after half of it, so that callers go elsewhere.
    private const int MaxPeriodsInTheWay = 20;

    private bool _hasDecided;
    private int _periodsDead;
    private int _periodsInTheWay;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Watching the right to decide", clock, logger).RunAsync(Period, LookAsync, stoppingToken);

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var may = rights.MayDecide;
        readiness.Deciding(may);
        _hasDecided |= may;
        if (rights.HasDied && ++_periodsDead == MaxPeriodsDead)
        {
            LogGone();
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }

        _periodsInTheWay = _hasDecided && !may && await others.OneReadsAsync() ? _periodsInTheWay + 1 : 0;
        if (_periodsInTheWay == MaxPeriodsInTheWay)
        {
            LogInTheWay();
            await ServerConsole.TellAsync(["This silo can't read the membership or the keys and may not decide, while other silos can; it ends, to be started again."]);
            console.Dispose();
            // An orderly stop would try for a minute to write to the database that this silo can't reach.
            OwnProcess.Kill();
        }
    }

    [LoggerMessage(1612, LogLevel.Critical, "The membership holds no row of this silo any more, or calls it dead; it decides nothing and ends, to be started again.")]
    private partial void LogGone();

    [LoggerMessage(1613, LogLevel.Critical, "This silo may not decide, since it can't read the membership or the keys, while other silos can. It ends, so that they serve its clients, and is to be started again.")]
    private partial void LogInTheWay();
}
