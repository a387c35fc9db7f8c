using System.Diagnostics;
using AuthCluster.Grains.Time;
using AuthCluster.Server.Telemetry;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Ends this process as soon as its silo reads that the others declared it dead, as after a hang: its clients are
/// served elsewhere by now, and two silos must not decide for one client.
/// </summary>
/// <remarks>
/// Orleans ends such a process too, two seconds later. There is nothing left to close in order: a dead silo can't
/// write, and whoever still waits here is answered by another node when the connection ends. In a stop this ends before the
/// silo does, which says of itself that it is dead at its end: until then it was the others.
/// </remarks>
internal sealed partial class DeathWatch(
    IClusterMembershipService membership, ILocalSiloDetails silo, ServerConsole console, TimeProvider clock, ILogger<DeathWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>How long it may take to say why: nobody may read the console.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Following the membership", clock, logger).RunAsync(Period, FollowAsync, stoppingToken);

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var view in membership.MembershipUpdates.WithCancellation(cancellationToken))
        {
            if (view.GetSiloStatus(silo.SiloAddress) == SiloStatus.Dead)
            {
                // Before anything is written, which may wait for whoever reads.
                await using var end = clock.CreateTimer(_ => Kill(), null, Patience, Timeout.InfiniteTimeSpan);
                LogDeclaredDead();
                await ServerConsole.TellAsync(["The other silos declared this one dead; it ends, to be started again."]);
                console.Dispose();
                Kill();
            }
        }
    }

    private static void Kill()
    {
        using var process = Process.GetCurrentProcess();
        process.Kill();
    }

    [LoggerMessage(1600, LogLevel.Critical, "The other silos declared this one dead; it ends.")]
    private partial void LogDeclaredDead();
}
