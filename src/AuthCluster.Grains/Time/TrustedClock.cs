using AuthCluster.Storage;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Time;

/// <summary>
/// The time by which expired data may be deleted. It is given only while the silo's clock is beyond doubt, so that a wrong clock destroys
/// nothing.
/// </summary>
/// <remarks>
/// A clock is beyond doubt when it has kept pace with the monotonic clock for an hour and agrees with the database's clock. The hour gives
/// people time to notice a wrong clock and to set it. Neither is enough alone: with SQLite, or with a database on the same machine, there is
/// only one clock; and a clock may be wrong for longer than an hour.
/// </remarks>
/// <param name="askDatabase">Reads the database's clock; gives null where the database has no clock of its own.</param>
/// <param name="clock">The silo's clock.</param>
/// <param name="logger">Gets a warning for each doubt.</param>
internal sealed partial class TrustedClock(
    Func<CancellationToken, Task<DateTimeOffset?>> askDatabase, TimeProvider clock, ILogger<TrustedClock> logger)
{
    /// <summary>How long a clock must keep pace with the monotonic clock.</summary>
    public static readonly TimeSpan SteadyFor = TimeSpan.FromHours(1);

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LogInterval = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private long _steadySince = clock.GetTimestamp();
    private DateTimeOffset _lookedAt = clock.GetUtcNow();
    private long _lookedAtTimestamp = clock.GetTimestamp();
    private (TimeSpan Difference, long At)? _asked;
    private long? _loggedAt;

    /// <summary>Whether the clock has kept pace for long enough. The database is not asked.</summary>
    public bool IsSteady => IsSteadyAt(clock.GetUtcNow());

    /// <summary>Whether the clock is in doubt, by the last answer of the database.</summary>
    public bool IsInDoubt
    {
        get
        {
            if (!IsSteady)
            {
                return true;
            }

            lock (_lock)
            {
                return _asked?.Difference.Duration() > ClusterClocks.MaxDifference;
            }
        }
    }

    /// <summary>The time; null while it is in doubt: then nothing may be deleted because of its age.</summary>
    /// <exception cref="StorageUnavailableException">The database does not answer.</exception>
    public async Task<DateTimeOffset?> NowAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!IsSteadyAt(now))
        {
            return null;
        }

        var difference = await DifferenceAsync(now, cancellationToken);
        if (difference.Duration() <= ClusterClocks.MaxDifference)
        {
            return now;
        }

        ReportDifference(difference);
        return null;
    }

    /// <summary>
    /// How far the database's clock is ahead. An answer is used for ten seconds, since requests of clients can cause the question. If this clock is set
    /// in that time, it is unsteady, and the answer does not matter.
    /// </summary>
    private async Task<TimeSpan> DifferenceAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_asked is { } asked && clock.GetElapsedTime(asked.At) < AskAgainAfter)
            {
                return asked.Difference;
            }
        }

        var difference = (await askDatabase(cancellationToken) - now) ?? TimeSpan.Zero;
        lock (_lock)
        {
            _asked = (difference, clock.GetTimestamp());
        }

        return difference;
    }

    private void ReportDifference(TimeSpan difference)
    {
        lock (_lock)
        {
            if (_loggedAt is { } last && clock.GetElapsedTime(last) < LogInterval)
            {
                return;
            }

            _loggedAt = clock.GetTimestamp();
        }

        LogDifference((long)difference.TotalSeconds);
    }

    private bool IsSteadyAt(DateTimeOffset now)
    {
        TimeSpan set;
        lock (_lock)
        {
            // Compared from one look to the next, so that slow drift does not add up.
            set = now - (_lookedAt + clock.GetElapsedTime(_lookedAtTimestamp));
            (_lookedAt, _lookedAtTimestamp) = (now, clock.GetTimestamp());
            if (set.Duration() <= ClusterClocks.MaxDifference)
            {
                return clock.GetElapsedTime(_steadySince) >= SteadyFor;
            }

            _steadySince = _lookedAtTimestamp;
        }

        LogSet((long)set.TotalSeconds);
        return false;
    }

    [LoggerMessage(1603, LogLevel.Warning, "The clock differs by {Seconds} s from what it should show: it was set, or the machine slept. For an hour this silo deletes no expired data.")]
    private partial void LogSet(long seconds);

    [LoggerMessage(1604, LogLevel.Warning, "The database's clock is {Seconds} s ahead of this silo's (behind where negative). Until they agree this silo deletes no expired data: set the clock that is wrong.")]
    private partial void LogDifference(long seconds);
}
