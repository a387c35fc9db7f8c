using System.Globalization;
using AuthCluster.Protocol.Limits;
using CsCheck;

namespace AuthCluster.UnitTests.Limits;

/// <summary>Periods and blocks of quotas.</summary>
public sealed class QuotaTests
{
    [Theory]
    [InlineData("hour", "2026-03-29T01:59:59.9999999Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")]
    [InlineData("hour", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("day", "2026-03-29T23:59:59Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z")]
    [InlineData("day", "2028-02-28T12:00:00Z", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z")]
    [InlineData("month", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("month", "2026-02-01T00:30:00+02:00", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("hour", "2026-02-01T00:45:00+05:30", "2026-01-31T19:00:00Z", "2026-01-31T20:00:00Z")]
    public void A_period_is_of_the_calendar_in_UTC(string name, string moment, string start, string end)
    {
        Assert.True(QuotaPeriod.TryParse(name, out var period));

        Assert.Equal(At(start), period.Start(At(moment)));
        Assert.Equal(At(end), period.End(At(moment)));
        Assert.Equal(TimeSpan.Zero, period.Start(At(moment)).Offset);
        Assert.Equal(name, period.Name);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Hour")]
    [InlineData("week")]
    public void A_name_other_than_that_of_a_period_is_refused(string? name) => Assert.False(QuotaPeriod.TryParse(name, out _));

    [Fact]
    public void Every_moment_is_in_its_period_and_the_end_begins_the_next_one() =>
        Gen.DateTime[new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc), new DateTime(2200, 1, 1, 0, 0, 0, DateTimeKind.Utc)].Sample(time =>
        {
            var moment = new DateTimeOffset(time.Ticks, TimeSpan.Zero);
            foreach (var period in (QuotaPeriod[])[QuotaPeriod.Hour, QuotaPeriod.Day, QuotaPeriod.Month])
            {
                Assert.True(period.Start(moment) <= moment && moment < period.End(moment));
                Assert.Equal(period.End(moment), period.Start(period.End(moment)));
                Assert.Equal(period.Start(moment), period.Start(period.End(moment).AddTicks(-1)));
            }
        });

    [Theory]
    [InlineData(1, 1)]
    [InlineData(19, 1)]
    [InlineData(20, 1)]
    [InlineData(39, 1)]
    [InlineData(40, 2)]
    [InlineData(1_000_000_000_000, 50_000_000_000)]
    public void A_block_is_five_percent_of_the_quota_and_at_least_one(long quota, long block) => Assert.Equal(block, QuotaBlock.Size(quota));

    [Fact]
    public void Blocks_add_up_to_exactly_the_quota() =>
        Gen.Long[1, 100_000].Sample(quota =>
        {
            long reserved = 0;
            for (var block = QuotaBlock.Next(quota, reserved); block > 0; block = QuotaBlock.Next(quota, reserved))
            {
                Assert.True(block <= Math.Max(1, quota * 5 / 100.0));
                reserved += block;
            }

            Assert.Equal(quota, reserved);
        }, iter: 50);

    [Fact]
    public void A_quota_that_was_lowered_below_what_is_reserved_gives_no_block() => Assert.Equal(0, QuotaBlock.Next(10, 11));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
