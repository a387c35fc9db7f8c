using AuthCluster.Web.OAuth;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>The bound on what a flood may write into the log.</summary>
public sealed class LogRateLimitTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();

    [Fact]
    public void A_hundred_events_a_second_pass_and_one_line_counts_the_others_when_the_second_is_over()
    {
        using var bound = new LogRateLimit("refusals", _clock, _log);

        Assert.Equal(LogRateLimit.MaxPerSecond, Enumerable.Range(0, 1_000).Count(_ => bound.TryTake()));
        Assert.Empty(_log.Collector.GetSnapshot());
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Contains("900 more refusals", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);
        Assert.True(bound.TryTake());
    }

    [Fact]
    public void A_second_within_the_bound_says_nothing()
    {
        using var bound = new LogRateLimit("refusals", _clock, _log);

        Assert.True(bound.TryTake());
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public void A_flood_of_a_minute_writes_one_line_a_second()
    {
        using var bound = new LogRateLimit("refusals", _clock, _log);

        for (var tenth = 0; tenth < 600; tenth++)
        {
            for (var i = 0; i < 50; i++)
            {
                bound.TryTake();
            }

            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(60, _log.Collector.Count);
        Assert.All(_log.Collector.GetSnapshot(), line => Assert.Contains("400 more", line.Message, StringComparison.Ordinal));
    }
}
