using AuthCluster.Web.OAuth;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>Which callers' refusals share a bound on log lines, and which do not.</summary>
public sealed class RefusalLogTests
{
    [Theory]
    [InlineData(CallerStanding.Unknown)]
    [InlineData(CallerStanding.Named)]
    [InlineData(CallerStanding.Proven)]
    public void A_flood_of_one_standing_is_bounded_and_hides_no_line_of_the_others(CallerStanding flooding)
    {
        using var log = new RefusalLog(new FakeTimeProvider(), NullLoggerFactory.Instance);

        Assert.Equal(LogRateLimit.MaxPerSecond, Enumerable.Range(0, 1_000).Count(_ => log.MayLog(flooding)));

        Assert.All(Enum.GetValues<CallerStanding>().Where(other => other != flooding), other => Assert.True(log.MayLog(other)));
    }
}
