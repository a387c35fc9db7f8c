using System.Net;
using AuthCluster.Grains.Time;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Time;

/// <summary>Background work that is done again and again, and the turns of silos that share it.</summary>
public sealed class TicksTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger _log = new();

    [Fact]
    public async Task Work_that_fails_is_done_again_and_logged_once_a_minute_and_the_stop_is_no_failure()
    {
        using var stop = new CancellationTokenSource();
        using var worked = new SemaphoreSlim(0);
        var times = 0;
        var running = new Ticks("Counting sheep", _clock, _log).RunAsync(
            TimeSpan.FromSeconds(1),
            _ =>
            {
                times++;
                worked.Release();
                throw new InvalidOperationException("a sheep is missing");
            },
            stop.Token);
        for (var second = 0; second < 90; second++)
        {
            Assert.True(await worked.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), "It is not done again.");
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(await worked.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await stop.CancelAsync();
        await running;

        Assert.Equal(91, times);
        Assert.Equal(
            ["Counting sheep failed (1 times since this was last said) and is tried again.", "Counting sheep failed (60 times since this was last said) and is tried again."],
            _log.Collector.GetSnapshot().Select(line => line.Message));
    }

    [Fact]
    public async Task Work_that_fails_while_the_process_stops_does_not_make_the_stop_fail()
    {
        using var stop = new CancellationTokenSource();

        await new Ticks("Counting sheep", _clock, _log).RunAsync(
            TimeSpan.FromSeconds(1),
            async _ =>
            {
                await stop.CancelAsync();
                throw new InvalidOperationException("a sheep is missing");
            },
            stop.Token);

        Assert.Single(_log.Collector.GetSnapshot());
    }

    [Fact]
    public void Silos_that_see_the_same_members_give_each_turn_to_one_silo_and_equal_shares_to_all()
    {
        for (var count = 1; count <= 5; count++)
        {
            var silos = Enumerable.Range(1, count).Select(n => SiloAddress.New(IPAddress.Loopback, 11_000 + n, 7)).ToList();

            var turns = Enumerable.Range(0, 10 * count).Select(period => Assert.Single(silos, silo => SiloTurns.IsTurnOf(silo, Enumerable.Reverse(silos), period)));

            Assert.Equal(Enumerable.Repeat(10, count), turns.CountBy(silo => silo).Select(silo => silo.Value));
            Assert.False(SiloTurns.IsTurnOf(SiloAddress.New(IPAddress.Loopback, 12_000, 7), silos, 0));
        }
    }
}
