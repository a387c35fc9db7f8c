using AuthCluster.Grains.Time;
using AuthCluster.GrainTests.Cluster;
using Microsoft.Extensions.Logging.Testing;

namespace AuthCluster.GrainTests.Time;

/// <summary>When a silo may throw something away by its clock.</summary>
public sealed class TrustedClockTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 15, 10, 30, 0, TimeSpan.Zero);

    private readonly ClusterClock _clock = new(Start);
    private readonly FakeLogger<TrustedClock> _log = new();
    private readonly TrustedClock _trusted;
    private TimeSpan? _databaseIsAhead = TimeSpan.Zero;

    public TrustedClockTests() =>
        _trusted = new TrustedClock(_ => Task.FromResult(_clock.GetUtcNow() + _databaseIsAhead), _clock, _log);

    [Fact]
    public async Task The_clock_is_in_doubt_for_an_hour_from_the_start_and_then_gives_the_time()
    {
        Assert.Null(await NowAsync());
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Null(await NowAsync());
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(Start.AddHours(1), await NowAsync());
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Theory]
    [InlineData(365 * 24)]
    [InlineData(-1)]
    public async Task After_a_step_and_after_the_step_back_the_clock_is_in_doubt_for_an_hour(int hours)
    {
        _clock.Advance(TimeSpan.FromHours(2));

        _clock.Set(_clock.GetUtcNow().AddHours(hours));
        Assert.Null(await NowAsync());
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await NowAsync());
        _clock.Set(_clock.GetUtcNow().AddHours(-hours));
        Assert.Null(await NowAsync());
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Null(await NowAsync());
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.NotNull(await NowAsync());
        Assert.Equal([1603, 1603], _log.Collector.GetSnapshot().Select(record => record.Id.Id));
    }

    [Fact]
    public async Task A_step_of_seconds_puts_the_clock_in_no_doubt()
    {
        _clock.Advance(TimeSpan.FromHours(2));

        _clock.Set(_clock.GetUtcNow().AddSeconds(-40));

        Assert.NotNull(await NowAsync());
    }

    [Fact]
    public async Task Steps_of_seconds_do_not_add_up_to_one_that_counts()
    {
        for (var hour = 0; hour < 10; hour++)
        {
            _clock.Advance(TimeSpan.FromHours(1));
            _clock.Set(_clock.GetUtcNow().AddSeconds(40));
            Assert.NotNull(await NowAsync());
        }

        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task The_database_is_not_asked_at_each_call_for_the_time()
    {
        var asked = 0;
        var trusted = new TrustedClock(_ => Task.FromResult<DateTimeOffset?>(_clock.GetUtcNow().AddSeconds(asked++)), _clock, _log);
        _clock.Advance(TimeSpan.FromHours(1));

        for (var call = 0; call < 1_000; call++)
        {
            Assert.NotNull(await trusted.NowAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(1, asked);
    }

    [Theory]
    [InlineData(3_600)]
    [InlineData(-61)]
    public async Task However_long_it_has_been_wrong_a_database_of_another_time_keeps_it_in_doubt_and_is_logged_once_an_hour(int seconds)
    {
        _databaseIsAhead = TimeSpan.FromSeconds(seconds);
        _clock.Advance(TimeSpan.FromDays(30));

        Assert.Null(await NowAsync());
        Assert.Null(await NowAsync());
        Assert.Equal($"{seconds}", Assert.Single(_log.Collector.GetSnapshot()).GetStructuredStateValue("Seconds"));
        Assert.True(_trusted.IsInDoubt);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await NowAsync());
        Assert.Equal([1604, 1604], _log.Collector.GetSnapshot().Select(record => record.Id.Id));
        _databaseIsAhead = TimeSpan.FromSeconds(59);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.NotNull(await NowAsync());
        Assert.False(_trusted.IsInDoubt);
    }

    [Fact]
    public async Task Where_the_database_has_no_clock_of_its_own_the_hour_is_enough()
    {
        _databaseIsAhead = null;
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.NotNull(await NowAsync());
    }

    private Task<DateTimeOffset?> NowAsync() => _trusted.NowAsync(TestContext.Current.CancellationToken);
}
