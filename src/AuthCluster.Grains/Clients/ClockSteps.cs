using Microsoft.Extensions.Hosting;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Whether the clock was set by more than a minute since the silo's start: then nothing is thrown away because of its time. A hosted
/// service, so that it is made with the silo and not at its first use.
/// </summary>
internal sealed class ClockSteps(TimeProvider clock) : IHostedService
{
    private static readonly TimeSpan MostDrift = TimeSpan.FromMinutes(1);

    private readonly DateTimeOffset _time = clock.GetUtcNow();
    private readonly long _timestamp = clock.GetTimestamp();

    /// <summary>Whether the time is not what the monotonic clock says that it should be.</summary>
    public bool HaveBeen => (clock.GetUtcNow() - (_time + clock.GetElapsedTime(_timestamp))).Duration() > MostDrift;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
