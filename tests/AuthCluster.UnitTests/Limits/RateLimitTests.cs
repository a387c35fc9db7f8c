using AuthCluster.Protocol.Limits;
using CsCheck;

namespace AuthCluster.UnitTests.Limits;

/// <summary>The token bucket.</summary>
public sealed class RateLimitTests
{
    private static readonly TimeSpan Start = TimeSpan.FromDays(300);

    private static readonly Gen<(double Rate, long Burst)> Limit = Gen.Select(
        Gen.OneOf(Gen.Double[0.01, 10], Gen.Double[10, 10_000], Gen.Double[10_000, 1_000_000], Gen.OneOf(0.01, 0.1, 1.0, 3.0, 7.0, 333_333.0, 999_999.0, 1_000_000.0)),
        Gen.OneOf(Gen.Long[1, 20], Gen.Long[1, 5_000]));

    [Fact]
    public void The_burst_is_spent_then_one_request_per_interval_is_allowed()
    {
        var limit = new RateLimit(2, 3);
        var state = limit.ArrivalAtLevel(Start, limit.Burst);

        Assert.Equal([2, 1, 0], Enumerable.Range(0, 3).Select(_ => Spend(limit, Start, ref state).Remaining));

        var refused = limit.Decide(Start, state);
        Assert.False(refused.Allowed);
        Assert.Equal(TimeSpan.FromSeconds(0.5), refused.RetryAfter);
        Assert.Equal(TimeSpan.FromSeconds(1.5), refused.ResetAfter);
        Assert.Equal(state, refused.NewTheoreticalArrival);
        Assert.False(limit.Decide(Start + TimeSpan.FromSeconds(0.5) - TimeSpan.FromTicks(1), state).Allowed);

        Assert.True(Spend(limit, Start + TimeSpan.FromSeconds(0.5), ref state).Allowed);
        Assert.False(limit.Decide(Start + TimeSpan.FromSeconds(0.5), state).Allowed);
    }

    [Fact]
    public void The_default_state_is_a_full_bucket()
    {
        var limit = new RateLimit(1, 5);

        Assert.Equal(5, limit.Level(Start, default));
        Assert.Equal(5, limit.Remaining(Start, default));
        Assert.Equal(4, limit.Decide(Start, default).Remaining);
    }

    [Fact]
    public void An_empty_bucket_gives_its_first_token_after_one_interval()
    {
        var limit = new RateLimit(10, 5);
        var state = limit.Empty(Start);

        Assert.Equal(0, limit.Level(Start, state));
        Assert.Equal(TimeSpan.FromMilliseconds(100), limit.Decide(Start, state).RetryAfter);
        Assert.True(limit.Decide(Start + TimeSpan.FromMilliseconds(100), state).Allowed);
    }

    [Fact]
    public void An_idle_bucket_never_holds_more_than_its_burst()
    {
        var limit = new RateLimit(1_000, 2);
        var state = limit.Empty(Start);
        var later = Start + TimeSpan.FromDays(365);

        Assert.Equal(2, limit.Level(later, state));
        Assert.Equal(2, Count(limit, later, ref state));
    }

    [Fact]
    public void No_window_gives_more_than_the_burst_and_its_time_worth() =>
        Gen.Select(Limit, Gen.Double[0, 3].Array[1, 120]).Sample((parameters, gaps) =>
        {
            var limit = new RateLimit(parameters.Rate, parameters.Burst);
            var state = limit.ArrivalAtLevel(Start, limit.Burst);
            var now = Start;
            List<TimeSpan> allowed = [];
            foreach (var gap in gaps)
            {
                now += TimeSpan.FromSeconds(gap * Math.Min(1, parameters.Burst / 40.0) / parameters.Rate);
                for (var i = 0; i < 3; i++)
                {
                    if (Spend(limit, now, ref state).Allowed)
                    {
                        allowed.Add(now);
                    }
                }
            }

            for (var first = 0; first < allowed.Count; first++)
            {
                for (var last = first; last < allowed.Count; last++)
                {
                    var window = (decimal)(allowed[last] - allowed[first]).Ticks / TimeSpan.TicksPerSecond;
                    Assert.True(last - first + 1 <= parameters.Burst + (window * (decimal)parameters.Rate));
                }
            }
        }, iter: 300);

    [Fact]
    public void A_rate_limit_decides_as_a_bucket_in_exact_arithmetic_does() =>
        Gen.Select(Gen.OneOf(1.0, 2.0, 8.0, 100.0, 1_000.0, 1_000_000.0), Gen.Long[1, 30], Gen.Int[0, 40].Array[1, 200]).Sample((rate, burst, quarters) =>
        {
            // Rates whose interval is a whole number of ticks, and gaps that are quarters of an interval: decimal is exact for them.
            var limit = new RateLimit(rate, burst);
            var state = limit.ArrivalAtLevel(Start, limit.Burst);
            var level = (decimal)burst;
            var now = Start;
            foreach (var quarter in quarters)
            {
                var gap = TimeSpan.FromTicks((long)(TimeSpan.TicksPerSecond / rate) * quarter / 4);
                now += gap;
                level = Math.Min(burst, level + (gap.Ticks * (decimal)rate / TimeSpan.TicksPerSecond));
                var decision = Spend(limit, now, ref state);

                Assert.Equal(level >= 1, decision.Allowed);
                level -= decision.Allowed ? 1 : 0;
                Assert.Equal((long)level, decision.Remaining);
                Assert.Equal((double)level, limit.Level(now, state), 6);
                Assert.Equal(decision.Remaining, limit.Remaining(now, state));
            }
        });

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(999_999)]
    [InlineData(900_000)]
    [InlineData(700_000)]
    [InlineData(333_333)]
    [InlineData(7)]
    public void A_busy_client_gets_its_rate_without_drift(double rate)
    {
        var limit = new RateLimit(rate, 10);
        var state = limit.Empty(Start);
        // Ask so often that the bucket is never full and loses no token: the client then gets the rate times the time.
        var step = TimeSpan.FromTicks((long)(5 * TimeSpan.TicksPerSecond / rate));
        var steps = 200_000;
        long taken = 0;
        for (var i = 1; i <= steps; i++)
        {
            taken += limit.Take(Start + (step * i), state, 10, out state);
        }

        var exact = (step * steps).Ticks * (decimal)rate / TimeSpan.TicksPerSecond;
        Assert.InRange(taken, (long)exact - 1, (long)exact);
    }

    [Fact]
    public void Retry_after_is_the_first_moment_at_which_a_token_is_available() =>
        Gen.Select(Limit, Gen.Double[0, 1]).Sample((parameters, level) =>
        {
            var limit = new RateLimit(parameters.Rate, parameters.Burst);
            var state = limit.ArrivalAtLevel(Start, level);
            var wait = limit.Decide(Start, state).RetryAfter;
            if (wait > TimeSpan.Zero)
            {
                Assert.True(limit.Decide(Start + wait, state).Allowed);
                Assert.False(limit.Decide(Start + wait - TimeSpan.FromTicks(1), state).Allowed);
            }
        });

    [Fact]
    public void A_stored_level_comes_back_and_never_grows() =>
        Gen.Select(Limit, Gen.Double[0, 1]).Sample((parameters, part) =>
        {
            var limit = new RateLimit(parameters.Rate, parameters.Burst);
            var level = part * parameters.Burst;
            var read = limit.Level(TimeSpan.Zero, limit.ArrivalAtLevel(TimeSpan.Zero, level));
            Assert.Equal(level, read, 6);
            for (var i = 0; i < 5; i++)
            {
                read = limit.Level(Start, limit.ArrivalAtLevel(Start, read));
            }

            Assert.True(read <= level + 1e-9);
        });

    [Theory]
    [InlineData(double.NaN, 0)]
    [InlineData(-1, 0)]
    [InlineData(double.PositiveInfinity, 5)]
    [InlineData(6, 5)]
    [InlineData(2.5, 2.5)]
    public void A_level_outside_the_bucket_is_brought_into_it(double stored, double level)
    {
        var limit = new RateLimit(1, 5);

        Assert.Equal(level, limit.Level(Start, limit.ArrivalAtLevel(Start, stored)), 9);
    }

    [Fact]
    public void A_block_has_at_most_the_remaining_tokens_and_returned_tokens_can_be_taken_again()
    {
        var limit = new RateLimit(1, 10);
        var state = limit.ArrivalAtLevel(Start, limit.Burst);

        Assert.Equal(4, limit.Take(Start, state, 4, out state));
        Assert.Equal(6, limit.Take(Start, state, 100, out state));
        Assert.Equal(0, limit.Take(Start, state, 1, out state));
        Assert.Equal(0, limit.Take(Start, state, -1, out state));

        state = limit.Return(state, 3);
        Assert.Equal(3, limit.Remaining(Start, state));
        Assert.Equal(10, limit.Remaining(Start, limit.Return(state, 1_000)));
    }

    [Fact]
    public void A_block_of_tokens_equals_as_many_single_tokens() =>
        Gen.Select(Limit, Gen.Long[0, 50], Gen.Double[0, 1]).Sample((parameters, wanted, part) =>
        {
            var limit = new RateLimit(parameters.Rate, parameters.Burst);
            var state = limit.ArrivalAtLevel(Start, part * parameters.Burst);
            var single = state;
            var count = 0;
            while (count < wanted && Spend(limit, Start, ref single).Allowed)
            {
                count++;
            }

            Assert.Equal(count, limit.Take(Start, state, wanted, out var block));
            Assert.Equal(single, block);
        });

    [Fact]
    public void A_clock_that_stands_still_or_a_state_from_the_future_gives_nothing_away()
    {
        var limit = new RateLimit(1, 2);
        var state = limit.Empty(Start);

        Assert.False(limit.Decide(Start - TimeSpan.FromHours(1), state).Allowed);
        Assert.Equal(0, limit.Level(Start - TimeSpan.FromHours(1), state));
        Assert.Equal(0, limit.Remaining(Start - TimeSpan.FromHours(1), state));
    }

    [Fact]
    public void The_slowest_rate_with_the_largest_burst_overflows_nothing()
    {
        var limit = new RateLimit(0.01, 10_000_000);
        var state = limit.Empty(TimeSpan.FromDays(10_000));

        Assert.Equal(TimeSpan.FromSeconds(1_000_000_000), limit.Decide(TimeSpan.FromDays(10_000), state).ResetAfter);
        Assert.Equal(TimeSpan.FromSeconds(100), limit.Decide(TimeSpan.FromDays(10_000), state).RetryAfter);
    }

    [Theory]
    [InlineData(0.009, 1)]
    [InlineData(0, 1)]
    [InlineData(-1, 1)]
    [InlineData(1_000_001, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(double.PositiveInfinity, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 10_000_001)]
    public void Values_out_of_range_are_a_fault_of_the_caller(double rate, long burst)
    {
        Assert.False(RateLimit.IsValid(rate, burst));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RateLimit(rate, burst));
    }

    [Theory]
    [InlineData(0.01, 1)]
    [InlineData(1, 1)]
    [InlineData(1.5, 2)]
    [InlineData(1_000_000, 1_000_000)]
    public void The_burst_that_was_not_given_is_one_seconds_worth(double rate, long burst) => Assert.Equal(burst, RateLimit.DefaultBurst(rate));

    [Fact]
    public void Limits_with_the_same_values_are_equal()
    {
        Assert.Equal(new RateLimit(2.5, 3), new RateLimit(2.5, 3));
        Assert.NotEqual(new RateLimit(2.5, 3), new RateLimit(2.5, 4));
    }

    private static RateDecision Spend(RateLimit limit, TimeSpan now, ref TheoreticalArrival state)
    {
        var decision = limit.Decide(now, state);
        state = decision.NewTheoreticalArrival;
        return decision;
    }

    private static int Count(RateLimit limit, TimeSpan now, ref TheoreticalArrival state)
    {
        var count = 0;
        while (Spend(limit, now, ref state).Allowed)
        {
            count++;
        }

        return count;
    }
}
