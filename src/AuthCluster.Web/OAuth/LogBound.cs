using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.OAuth;

/// <summary>
/// Lets at most <see cref="MaxPerSecond"/> events of one kind into the log within a second, and says in one line how many more there
/// were, so that a flood of them can't drown the rest of the log. The metrics count every event.
/// </summary>
/// <param name="kind">What the events are, in the plural, for that line.</param>
/// <param name="clock">Measures the seconds.</param>
/// <param name="logger">Where the line goes.</param>
public sealed partial class LogBound(string kind, TimeProvider clock, ILogger logger) : IDisposable
{
    /// <summary>Largest number of events in a second.</summary>
    public const int MaxPerSecond = 100;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private ITimer? _timer;
    private int _logged;
    private int _leftOut;

    /// <summary>Whether one more event may be logged now. One that may not is counted.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            // The second begins with its first event, and costs a timer only then.
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
