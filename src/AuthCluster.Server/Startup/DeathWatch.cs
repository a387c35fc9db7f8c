using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Time;
using AuthCluster.Server.Telemetry;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Ends this process as soon as its silo reads that the others declared it dead, for example after a hang. Other silos serve its
/// clients by now, and two silos must not decide for one client.
/// </summary>
/// <remarks>
/// Orleans ends such a process too, two seconds later. An orderly stop would gain nothing: a dead silo can't write, and callers
/// who still wait get their answer from another node when the connection ends. But the others are told first that this silo has ended, for
/// those that can't reach its host. This service stops before the silo does, since a silo that stops declares itself dead.
/// </remarks>
internal sealed partial class DeathWatch(
    IClusterMembershipService membership, ILocalSiloDetails silo, SiloEnd ending, ServerConsole console, TimeProvider clock, ILogger<DeathWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long it may take to tell the others, which waits for leases of a second, and to write the reason. Nobody may be reading the console.
    /// </summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(1_500);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Following the membership", clock, logger).RunAsync(Period, FollowAsync, stoppingToken);

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var view in membership.MembershipUpdates.WithCancellation(cancellationToken))
        {
            if (view.GetSiloStatus(silo.SiloAddress) == SiloStatus.Dead)
            {
                // Start the timer before anything is written, because writing may wait for a reader.
                await using var end = clock.CreateTimer(_ => OwnProcess.Kill(), null, MaxWait, Timeout.InfiniteTimeSpan);
                var told = ending.TellAsync(cancellationToken);
                LogDeclaredDead();
                await ServerConsole.TellAsync(["The other silos declared this one dead; it ends, to be started again."]);
                await told;
                console.Dispose();
                OwnProcess.Kill();
            }
        }
    }

    [LoggerMessage(1600, LogLevel.Critical, "The other silos declared this one dead; it ends.")]
    private partial void LogDeclaredDead();
}
