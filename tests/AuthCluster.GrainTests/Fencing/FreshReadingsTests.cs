using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.GrainTests.Parts;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Barrier = AuthCluster.GrainTests.Parts.Barrier;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>Readings of the membership that writes wait for.</summary>
public sealed class FreshReadingsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly SiloTable _table = new();
    private readonly FakeLogger<FreshReadings> _log = new();

    [Fact]
    public async Task Who_asks_during_a_reading_shares_the_next_one_and_sees_what_it_found()
    {
        var (rights, readings) = Make();
        var barrier = _table.BeforeReading = new Barrier();
        var first = readings.ReadAsync();
        await barrier.Reached;

        var later = Enumerable.Range(0, 10).Select(_ => readings.ReadAsync()).ToList();
        barrier.Open();
        await first;
        _table.Rows = [SiloTable.Row(1), SiloTable.Row(2)];

        Assert.Single((await Task.WhenAll(later)).Distinct());
        Assert.Equal(2, _table.Readings);
        Assert.True(rights.Mandate.MayDecide(rights.Now));
        Assert.Same(rights.Mandate.Latest, readings.Newest);
    }

    [Fact]
    public async Task A_reading_that_fails_gives_nothing_and_the_silo_goes_on_as_in_an_outage()
    {
        var failures = new (Action Fail, int[] Logged)[]
        {
            (_table.GoAway, []),
            (() => _table.Failure = new TimeoutException(), []),
            (() => _table.Failure = new InvalidOperationException("a defect"), [1226]),
            (() => (_table.Failure, _table.HasKeys) = (null, false), []),
        };
        foreach (var (fail, logged) in failures)
        {
            (_table.Failure, _table.HasKeys) = (null, true);
            var (rights, readings) = Make();
            await readings.ReadAsync();
            fail();
            _clock.Advance(TimeSpan.FromSeconds(1));

            Assert.Null(await readings.ReadAsync());

            Assert.Equal(TimeSpan.FromSeconds(3), rights.Mandate.End);
            Assert.Equal(TimeSpan.Zero, readings.Latest!.View.Began);
            Assert.Equal(logged, _log.Collector.GetSnapshot(clear: true).Select(line => line.Id.Id));
        }
    }

    [Fact]
    public Task A_reading_that_hangs_has_failed_after_its_time_and_the_next_one_is_made() => ActivationTurns.RunAsync(async () =>
    {
        using var silo = await FencedSilo.AmongAsync(1);
        var barrier = silo.Table.BeforeReading = new Barrier();

        Assert.Null(await silo.FinishAsync(silo.Readings.ReadAsync()));
        Assert.InRange(silo.Rights.Now, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.02));
        silo.Table.BeforeReading = null;

        Assert.NotNull(await silo.FinishAsync(silo.Readings.ReadAsync()));
        barrier.Open();
    });

    [Fact]
    public void A_reading_that_began_earlier_and_comes_later_does_not_replace_the_newest()
    {
        var (rights, readings) = Make();

        readings.Take(Reading(began: 2));
        readings.Take(Reading(began: 1));

        Assert.Equal(TimeSpan.FromSeconds(2), readings.Latest!.View.Began);
        Assert.Equal(TimeSpan.FromSeconds(2), readings.Newest!.Began);
        Assert.Equal(TimeSpan.FromSeconds(4), rights.Mandate.End);
    }

    [Fact]
    public async Task In_a_process_that_shares_no_membership_the_silos_that_it_knows_itself_are_all()
    {
        Assert.True(SiloNames.TryParse(SiloTable.Name(1), out var self));
        Assert.True(SiloNames.TryParse(SiloTable.Name(2), out var other));
        Assert.True(SiloNames.TryParse(SiloTable.Name(3), out var dead));
        _table.GoAway();
        var (rights, readings) = Make(
            isShared: false, new MembersOfProcess((self, SiloStatus.Active), (other, SiloStatus.Joining), (dead, SiloStatus.Dead)));

        var read = await readings.ReadAsync();
        readings.Take(Reading(began: 1));

        Assert.Equal(
            [(SiloTable.Name(1), SiloStanding.Active), (SiloTable.Name(2), SiloStanding.Joining)],
            read!.Silos.Select(silo => (silo.Silo, silo.Standing)).Order());
        Assert.Equal(2, readings.Newest!.Silos.Count);
        Assert.Equal(0, _table.Readings);
        Assert.Null(readings.Latest);
        Assert.True(rights.Mandate.MayDecide(rights.Now));
    }

    private (SiloRights Rights, FreshReadings Readings) Make(bool isShared = true, MembersOfProcess? members = null)
    {
        var settings = new FenceSettings("test", SiloTable.Grace, isShared);
        var rights = new SiloRights(SiloTable.Self, settings, _clock);
        return (rights, new FreshReadings(_table.ReadAsync, rights, settings, members ?? new MembersOfProcess(), _clock, _log));
    }

    private static MembershipReading Reading(double began) => MembershipReading.Of(
        new(1, 7, [SiloTable.Row(1)]), TimeSpan.FromSeconds(began), TimeSpan.FromSeconds(5), SiloTable.Self, SiloTable.Grace);
}
