using System.Security.Cryptography;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Time;

/// <summary>Repeats one piece of background work until the process stops.</summary>
/// <remarks>
/// No exception ends the repetition or the process: failures are logged, at most once a minute, and the work runs again at its next tick.
/// Work that takes longer than its period never runs twice at once.
/// </remarks>
/// <param name="what">The name of the work in the log, such as "Writing the usage".</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">Gets the failures.</param>
public sealed partial class Ticks(string what, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private long? _loggedAt;
    private int _failures;

    /// <summary>Runs the work at once and then each period, until the process stops.</summary>
    /// <param name="period">The time from one start of the work to the next.</param>
    /// <param name="work">The work; its token is cancelled when the process stops.</param>
    /// <param name="stoppingToken">Cancelled when the process stops.</param>
    public Task RunAsync(TimeSpan period, Func<CancellationToken, Task> work, CancellationToken stoppingToken) =>
        RunAsync(TimeSpan.Zero, period, work, stoppingToken);

    /// <summary>Begins at a random moment of the first period, so that silos that were started together don't work at the same moments.</summary>
    /// <param name="period">The time from one start of the work to the next.</param>
    /// <param name="work">The work; its token is cancelled when the process stops.</param>
    /// <param name="stoppingToken">Cancelled when the process stops.</param>
    public Task RunOutOfStepAsync(TimeSpan period, Func<CancellationToken, Task> work, CancellationToken stoppingToken) =>
        RunAsync(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32((int)period.TotalMilliseconds)), period, work, stoppingToken);

    private async Task RunAsync(TimeSpan first, TimeSpan period, Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        try
        {
            await Task.Delay(first, clock, stoppingToken);
            using var timer = new PeriodicTimer(period, clock);
            do
            {
                try
                {
                    await work(stoppingToken);
                }
                catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
                {
                    Failed(e);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private void Failed(Exception exception)
    {
        _failures++;
        if (_loggedAt is { } last && clock.GetElapsedTime(last) < LogInterval)
        {
            return;
        }

        _loggedAt = clock.GetTimestamp();
        LogFailed(logger, StorageFaults.IsFault(exception) ? LogLevel.Warning : LogLevel.Error, exception, what, _failures);
        _failures = 0;
    }

    [LoggerMessage(EventId = 1602, Message = "{Work} failed ({Failures} times since this was last said) and is tried again.")]
    private static partial void LogFailed(ILogger logger, LogLevel level, Exception exception, string work, int failures);
}
