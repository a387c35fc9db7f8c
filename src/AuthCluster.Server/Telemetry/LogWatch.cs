using System.Diagnostics.Metrics;
using AuthCluster.Grains.Time;

namespace AuthCluster.Server.Telemetry;

/// <summary>
/// Reports how many log lines were dropped while nobody read the console: in a metric at once, and in one line when the console takes lines
/// again.
/// </summary>
internal sealed partial class LogWatch : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly ServerConsole _console;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private long _told;

    public LogWatch(ServerConsole console, IMeterFactory meters, TimeProvider clock, ILogger<LogWatch> logger)
    {
        _console = console;
        _clock = clock;
        _logger = logger;
        meters.Create("AuthCluster.Log").CreateObservableCounter(
            "authcluster.log.dropped", () => console.Dropped, "{line}", "Lines of the log that were dropped because nobody read the console");
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Ticks("Watching the console", _clock, _logger).RunAsync(Period, TellAsync, stoppingToken);

    private Task TellAsync(CancellationToken cancellationToken)
    {
        var dropped = _console.Dropped;
        if (dropped > _told && _console.IsDrained)
        {
            LogDropped(dropped - _told);
            _told = dropped;
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(1620, LogLevel.Warning, "{Count} lines were dropped here because the console was not read fast enough.")]
    private partial void LogDropped(long count);
}
