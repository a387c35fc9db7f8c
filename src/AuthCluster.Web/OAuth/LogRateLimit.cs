using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Logs at most <see cref="MaxPerSecond"/> events of one kind a second, and then one line that says how many were left out, so that a
/// flood does not hide the rest of the log. The metrics count every event.
/// </summary>
/// <param name="kind">What the events are, in the plural, for that line.</param>
/// <param name="clock">Measures the seconds.</param>
/// <param name="logger">Where the line goes.</param>
public sealed partial class LogRateLimit(string kind, TimeProvider clock, ILogger logger) : IDisposable
{
    /// <summary>Largest number of events in a second.</summary>
    public const int MaxPerSecond = 100;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private ITimer? _timer;
    private int _logged;
    private int _leftOut;

    /// <summary>Takes one event; false, and counted as left out, when the limit is reached.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            // The second begins with its first event, so that no timer runs while there are none.
            _timer ??= clock.CreateTimer(_ => EndPeriod(), null, Period, Timeout.InfiniteTimeSpan);
            if (_logged < MaxPerSecond)
            {
                _logged++;
                return true;
            }

            _leftOut++;
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _timer?.Dispose();
        }
    }

    private void EndPeriod()
    {
        int leftOut;
        lock (_lock)
        {
            leftOut = _leftOut;
            (_logged, _leftOut) = (0, 0);
            _timer?.Dispose();
            _timer = null;
        }

        if (leftOut > 0)
        {
            LogLeftOut(leftOut, kind, MaxPerSecond);
        }
    }

    [LoggerMessage(1005, LogLevel.Warning, "{Count} more {Kind} within a second are left out here: at most {MaxPerSecond} a second are logged.")]
    private partial void LogLeftOut(int count, string kind, int maxPerSecond);
}
