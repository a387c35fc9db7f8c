using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Cluster;

/// <summary>
/// The time by which something may be thrown away: given only while the silo's clock is beyond doubt, so that a wrong clock destroys
/// nothing.
/// </summary>
/// <remarks>
/// A clock is beyond doubt when it has run beside the monotonic clock for an hour, in which somebody sees and sets one that is wrong from
/// the start or was set wrongly, and when the database's clock shows the same. Neither is enough alone: with SQLite, or with a database on the same
/// machine, there is one clock; and a clock may be wrong for longer than an hour.
/// </remarks>
/// <param name="askDatabase">Reads the database's clock; null where it has none of its own.</param>
/// <param name="clock">The silo's clock.</param>
/// <param name="logger">Where doubts go.</param>
internal sealed partial class TrustedClock(
    Func<CancellationToken, Task<DateTimeOffset?>> askDatabase, TimeProvider clock, ILogger<TrustedClock> logger)
{
    /// <summary>How long a clock has to run on undisturbed.</summary>
    public static readonly TimeSpan SteadyFor = TimeSpan.FromHours(1);

    // The clocks of a cluster differ by less.
    private static readonly TimeSpan MostApart = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private DateTimeOffset _time = clock.GetUtcNow();
    private long _timestamp = clock.GetTimestamp();
    private int _isApart;

    /// <summary>Whether the clock has run on undisturbed for long enough; what the database says is not asked.</summary>
    public bool IsSteady => IsSteadyAt(clock.GetUtcNow());

    /// <summary>The time; null while it is in doubt: then nothing is thrown away because of its time.</summary>
    /// <exception cref="Storage.StorageUnavailableException">The database does not answer.</exception>
    public async Task<DateTimeOffset?> NowAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!IsSteadyAt(now))
        {
            return null;
        }

        var apart = await askDatabase(cancellationToken) - now;
        var isApart = apart?.Duration() > MostApart;
        if (Interlocked.Exchange(ref _isApart, isApart ? 1 : 0) == 0 && isApart)
        {
            LogApart((long)apart!.Value.TotalSeconds);
        }

        return isApart ? null : now;
    }

    private bool IsSteadyAt(DateTimeOffset now)
    {
        TimeSpan set;
        lock (_lock)
        {
            var passed = clock.GetElapsedTime(_timestamp);
            set = now - (_time + passed);
            if (set.Duration() <= MostApart)
            {
                return passed >= SteadyFor;
            }

            _time = now;
            _timestamp = clock.GetTimestamp();
        }

        LogSet((long)set.TotalSeconds);
        return false;
    }

    [LoggerMessage(1603, LogLevel.Warning, "The clock was set by {Seconds} s. For an hour this silo throws nothing away because of its time.")]
    private partial void LogSet(long seconds);

    [LoggerMessage(1604, LogLevel.Warning, "The database's clock is {Seconds} s ahead of this silo's (behind where negative). Until they agree this silo throws nothing away because of its time: set the one that is wrong.")]
    private partial void LogApart(long seconds);
}
