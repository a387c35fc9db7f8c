using AuthCluster.Server.Settings;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>On a stop: readiness says 503 at once, and requests are served for the drain delay before the listener closes.</summary>
internal sealed class ShutdownDrain(Readiness readiness, ServerSettings settings, TimeProvider clock) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        readiness.Stopping();
        return settings.Http.DrainDelay > TimeSpan.Zero
            ? Task.Delay(settings.Http.DrainDelay, clock, cancellationToken)
            : Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
