using AuthCluster.Protocol.Limits;

namespace AuthCluster.UnitTests.Limits;

/// <summary>draft-ietf-httpapi-ratelimit-headers-11 §3, §4 and §6: the fields.</summary>
public sealed class RateLimitFieldsTests
{
    private static readonly QuotaStanding Quota = new(1_000_000_000_000, TimeSpan.FromDays(30), 999, TimeSpan.FromSeconds(86_399.1));

    [Theory]
    [InlineData(0.05, 5, "\"rate\";q=5;w=100")]
    [InlineData(10, 10, "\"rate\";q=10;w=1")]
    [InlineData(10, 25, "\"rate\";q=25;w=3")]
    [InlineData(2_000, 20, "\"rate\";q=2000;w=1")]
    [InlineData(2.5, 1, "\"rate\";q=2;w=1")]
    [InlineData(1_000_000, 10_000_000, "\"rate\";q=10000000;w=10")]
    [InlineData(0.01, 10_000_000, "\"rate\";q=10000000;w=1000000000")]
    public void The_policy_field_states_the_burst_over_its_fill_time_or_the_rate_over_one_second(double rate, long burst, string policy) =>
        Assert.Equal(policy, RateLimitFields.PolicyValue(new RateStanding(rate, burst, 0, TimeSpan.Zero), null));

    [Fact]
    public void A_quota_is_told_with_the_seconds_of_its_period()
    {
        Assert.Equal("\"quota\";q=1000000000000;w=2592000", RateLimitFields.PolicyValue(null, Quota));
        Assert.Equal("\"quota\";r=999;t=86400", RateLimitFields.StandingValue(null, Quota));
    }

    [Fact]
    public void Both_limits_are_two_items_of_one_list()
    {
        var rate = new RateStanding(1, 5, 4, TimeSpan.FromSeconds(1));

        Assert.Equal("\"rate\";q=5;w=5, \"quota\";q=1000000000000;w=2592000", RateLimitFields.PolicyValue(rate, Quota));
        Assert.Equal("\"rate\";r=4;t=1, \"quota\";r=999;t=86400", RateLimitFields.StandingValue(rate, Quota));
    }

    [Fact]
    public void A_client_without_limits_has_no_fields()
    {
        Assert.Null(RateLimitFields.PolicyValue(null, null));
        Assert.Null(RateLimitFields.StandingValue(null, null));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.4)]
    [InlineData(0.9)]
    public void The_window_of_a_refused_client_ends_when_it_may_retry(double level)
    {
        var limit = new RateLimit(0.01, 5);
        var state = limit.ArrivalAtLevel(TimeSpan.Zero, level);
        var decision = limit.Decide(TimeSpan.Zero, state);

        var value = RateLimitFields.StandingValue(new RateStanding(0.01, 5, decision.Remaining, decision.ResetAfter), null);

        Assert.Equal($"\"rate\";r=0;t={RateLimitFields.RetryAfterSeconds(decision.RetryAfter)}", value);
    }

    [Fact]
    public void A_negative_remainder_and_a_past_end_are_written_as_zero() =>
        Assert.Equal("\"quota\";r=0;t=0", RateLimitFields.StandingValue(null, new QuotaStanding(1, TimeSpan.FromHours(1), -3, TimeSpan.FromSeconds(-1))));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.001, 1)]
    [InlineData(1, 1)]
    [InlineData(1.001, 2)]
    [InlineData(86_400, 86_400)]
    public void Retry_After_is_rounded_up_to_seconds_and_at_least_one(double seconds, long expected) =>
        Assert.Equal(expected, RateLimitFields.RetryAfterSeconds(TimeSpan.FromSeconds(seconds)));
}
