using AuthCluster.Server.Settings;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>When a stop begins, readiness answers 503 at once, and requests are served for the drain delay before the listener closes.</summary>
internal sealed partial class ShutdownDrain(Readiness readiness, ServerSettings settings, IHostEnvironment environment, TimeProvider clock, ILogger<ShutdownDrain> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        LogStarted(string.Join(", ", [.. settings.Http.Urls, .. settings.Http.ManagementUrls]), environment.EnvironmentName);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        readiness.Stopping();
        LogStopping(settings.Http.DrainDelay);
        return settings.Http.DrainDelay > TimeSpan.Zero
            ? Task.Delay(settings.Http.DrainDelay, clock, cancellationToken)
            : Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1610, LogLevel.Information, "AuthCluster listens on {Urls} ({Environment}). Ctrl+C stops it.")]
    private partial void LogStarted(string urls, string environment);

    [LoggerMessage(1611, LogLevel.Information, "Stopping: requests are still served for {DrainDelay}.")]
    private partial void LogStopping(TimeSpan drainDelay);
}
