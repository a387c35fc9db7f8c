using System.Diagnostics;
using AuthCluster.Fence;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>How a silo keeps its right to decide, and what it logs when it has lost the right.</summary>
public sealed class MandateKeeperTests
{
    private const int Lapsed = 1220;
    private const int DecidesAgain = 1221;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_silo_that_has_become_active_reads_at_once()
    {
        await using var silo = new KeptSilo();
        await silo.StartAsync();
        var start = Stopwatch.GetTimestamp();

        await silo.RoundAsync();

        Assert.True(Stopwatch.GetElapsedTime(start) < silo.Rights.Pace.ReadEvery, "The keeper waits for its time.");
    }

    [Fact]
    public async Task A_silo_keeps_its_right_by_reading_and_logs_nothing()
    {
        await using var silo = new KeptSilo();
        await silo.StartAsync();

        for (var round = 0; round < 10; round++)
        {
            silo.Clock.Advance(TimeSpan.FromSeconds(1.9));
            await silo.RoundAsync();
            Assert.True(silo.Rights.Mandate.MayDecide(silo.Rights.Now));
        }

        Assert.Empty(silo.Logged);
    }

    [Fact]
    public async Task A_process_that_stood_still_logs_once_that_it_had_no_right_and_once_that_it_has_it_again()
    {
        await using var silo = new KeptSilo();
        using var lapses = new MetricCollector<long>(silo.Silo.Meters, "AuthCluster.Fence", "authcluster.fence.lapses");
        await silo.StartAsync();

        silo.Clock.Advance(TimeSpan.FromSeconds(5));
        await silo.RoundAsync();
        await silo.RoundAsync();

        Assert.Equal(
            [
                (Lapsed, "This silo had no right to decide for 00:00:03, and decided nothing: the process did not run, or had no processor, in the meantime."),
                (DecidesAgain, "This silo may decide again."),
            ],
            silo.Logged);
        Assert.Equal([1L], lapses.GetMeasurementSnapshot().Select(lapse => lapse.Value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_right_that_was_gone_only_while_a_reading_ran_is_logged_whichever_reading_gave_it_back(bool byAnother)
    {
        await using var silo = new KeptSilo();
        await silo.StartAsync();
        silo.Clock.Advance(TimeSpan.FromSeconds(1.8));
        if (byAnother)
        {
            silo.Clock.Advance(TimeSpan.FromSeconds(0.5));
            await silo.Silo.Readings.ReadAsync();
        }
        else
        {
            var isSlow = true;
            silo.Instead = () =>
            {
                if (isSlow)
                {
                    isSlow = false;
                    silo.Clock.Advance(TimeSpan.FromSeconds(0.5));
                }

                return silo.Table.Read();
            };
        }

        await silo.RoundAsync();

        Assert.Equal(
            [
                (Lapsed, "This silo had no right to decide for 00:00:00.3000000, and decided nothing: the process did not run, or had no processor, in the meantime."),
                (DecidesAgain, "This silo may decide again."),
            ],
            silo.Logged);
    }

    [Theory]
    [InlineData(true, "the database did not answer: The database could not be reached.")]
    [InlineData(false, "the database holds no keys")]
    public async Task A_silo_whose_readings_fail_decides_until_its_outage_grace_is_over_and_then_logs_once_why_it_does_not(bool isAway, string cause)
    {
        await using var silo = new KeptSilo(grace: TimeSpan.FromSeconds(5));
        await silo.StartAsync();
        if (isAway)
        {
            silo.Table.GoAway();
        }
        else
        {
            silo.Table.HasKeys = false;
        }

        for (var round = 1; round <= 3; round++)
        {
            silo.Clock.Advance(TimeSpan.FromSeconds(1.5));
            await silo.RoundAsync();
            Assert.True(silo.Rights.Mandate.MayDecide(silo.Rights.Now));
        }

        Assert.Empty(silo.Logged);
        silo.Clock.Advance(TimeSpan.FromSeconds(1.5));
        await silo.RoundAsync();
        await silo.RoundAsync();
        Assert.False(silo.Rights.Mandate.MayDecide(silo.Rights.Now));
        Assert.Equal([(Lapsed, $"This silo had no right to decide for 00:00:01, and decided nothing: {cause}.")], silo.Logged);

        (silo.Table.Failure, silo.Table.HasKeys) = (null, true);
        await silo.RoundAsync();
        await silo.RoundAsync();
        Assert.Equal([Lapsed, DecidesAgain], silo.Logged.Select(line => line.Id));
    }

    [Fact]
    public async Task A_silo_that_has_not_become_active_yet_has_lost_no_right()
    {
        await using var silo = new KeptSilo();
        silo.Table.Rows = [SiloTable.Row(1, SiloTable.Joining)];
        await silo.StartAsync();

        silo.Clock.Advance(TimeSpan.FromSeconds(10));
        await silo.RoundAsync();
        silo.Table.GoAway();
        silo.Clock.Advance(TimeSpan.FromSeconds(10));
        await silo.RoundAsync();
        silo.Table.ComeBack();
        silo.Table.Rows = [SiloTable.Row(1)];
        await silo.RoundAsync();

        Assert.True(silo.Rights.Mandate.MayDecide(silo.Rights.Now));
        Assert.Empty(silo.Logged);
    }

    [Fact]
    public async Task A_silo_that_has_read_its_own_death_logs_no_lapse()
    {
        await using var silo = new KeptSilo();
        await silo.StartAsync();
        silo.Table.Rows = [SiloTable.Row(1, SiloTable.Dead, TimeSpan.Zero)];
        await silo.RoundAsync();

        silo.Clock.Advance(TimeSpan.FromSeconds(10));
        await silo.RoundAsync();

        Assert.True(silo.Rights.HasDied);
        Assert.Empty(silo.Logged);
    }

    [Fact]
    public async Task A_stop_ends_the_right_at_once_and_is_logged_as_no_lapse()
    {
        await using var silo = new KeptSilo();
        await silo.StartAsync();
        using var reached = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        silo.Instead = () =>
        {
            reached.Set();
            release.Wait(Patience, CancellationToken.None);
            throw new TimeoutException();
        };
        await silo.BecomeActiveAsync();
        Assert.True(reached.Wait(Patience, Cancellation));

        var stopping = Task.Run(() => silo.Keeper.StopAsync(Cancellation), Cancellation);
        await Eventually.HoldsAsync("the right has ended", Patience, () => !silo.Rights.Mandate.HasBegun, Cancellation);
        silo.Clock.Advance(TimeSpan.FromSeconds(5));
        release.Set();
        await stopping;

        Assert.Equal(TimeSpan.FromDays(-100_000), silo.Rights.Mandate.End);
        Assert.Empty(silo.Logged);
    }

    [Fact]
    public async Task A_stop_waits_for_the_round_that_is_under_way()
    {
        var clock = new HoldingClock();
        await using var silo = new KeptSilo(clock);
        await silo.StartAsync();
        clock.Hold();
        await silo.BecomeActiveAsync();
        Assert.True(clock.Holds.Wait(Patience, Cancellation));

        var stopping = Task.Run(() => silo.Keeper.StopAsync(Cancellation), Cancellation);
        await Eventually.HoldsAsync("the right has ended", Patience, () => !silo.Rights.Mandate.HasBegun, Cancellation);
        await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromMilliseconds(100), Cancellation));
        Assert.False(stopping.IsCompleted);
        clock.Release();

        await stopping;
        Assert.False(clock.Keeper!.IsAlive);
    }

    [Fact]
    public async Task A_reading_that_hangs_has_failed_and_counts_from_when_it_began_if_it_comes_after_all()
    {
        await using var silo = new KeptSilo(pace: new FenceTimes());
        using var release = new ManualResetEventSlim();
        var readings = 0;
        silo.Table.GoAway();
        silo.Instead = () =>
        {
            if (Interlocked.Increment(ref readings) > 1)
            {
                return silo.Table.Read();
            }

            release.Wait(Patience, CancellationToken.None);
            return new FenceReading(1, 7, silo.Table.Rows);
        };

        var waiting = silo.Rights.WaitAsync();
        await silo.Keeper.StartAsync(Cancellation);
        Assert.False(await waiting);
        await Eventually.HoldsAsync("the first reading hangs", Patience, () => Volatile.Read(ref readings) > 0, Cancellation);
        Assert.Null(silo.Rights.Mandate.LastGood);
        silo.Clock.Advance(TimeSpan.FromSeconds(1));
        release.Set();

        await Eventually.HoldsAsync("the late reading is taken", Patience, () => silo.Rights.Mandate.LastGood is not null, Cancellation);
        Assert.Equal(TimeSpan.Zero, silo.Rights.Mandate.LastGood!.Began);
        Assert.Equal(TimeSpan.Zero, silo.Silo.Readings.Latest!.View.Began);
    }

    /// <summary>A clock that holds the keeper's thread when that thread asks for the time.</summary>
    private sealed class HoldingClock : FakeTimeProvider
    {
        private readonly ManualResetEventSlim _released = new(initialState: true);

        public ManualResetEventSlim Holds { get; } = new();

        public Thread? Keeper { get; private set; }

        public void Hold() => _released.Reset();

        public void Release() => _released.Set();

        public override long GetTimestamp()
        {
            if (Thread.CurrentThread.Name == "Fence")
            {
                Keeper = Thread.CurrentThread;
                if (!_released.IsSet)
                {
                    Holds.Set();
                    _released.Wait(Patience);
                }
            }

            return base.GetTimestamp();
        }
    }
}
