using System.Security.Cryptography;
using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Time;

/// <summary>Does one piece of background work again and again until the process stops.</summary>
/// <remarks>
/// Work that fails, by whatever exception, ends nothing: it is logged, at most once a minute, and done again at its next time. What must end
/// the process ends it itself. Work that takes longer than its period is not done twice at once: the next time follows.
/// </remarks>
/// <param name="what">What is done, as the log says it: "Writing the usage".</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">Where failures go.</param>
public sealed partial class Ticks(string what, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private long? _loggedAt;
    private int _failures;

    /// <summary>Begins at once, and ends when the process stops.</summary>
    /// <param name="period">From one beginning to the next.</param>
    /// <param name="work">The work. Its token is cancelled when the process stops.</param>
    /// <param name="stoppingToken">The stop.</param>
    public Task RunAsync(TimeSpan period, Func<CancellationToken, Task> work, CancellationToken stoppingToken) =>
        RunAsync(TimeSpan.Zero, period, work, stoppingToken);

    /// <summary>Begins at some moment within the first period, so that silos that were started together do not work in step.</summary>
    /// <param name="period">From one beginning to the next.</param>
    /// <param name="work">The work. Its token is cancelled when the process stops.</param>
    /// <param name="stoppingToken">The stop.</param>
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
