using AuthCluster.Grains.Fencing;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>When a silo's reading of the membership makes Orleans read too.</summary>
public sealed class OrleansViewTests
{
    private readonly FakeTimeProvider _clock = new();

    /// <summary>What Orleans knows of silo number 2, what the reading says of it, and whether Orleans has to read. 0 stands for nothing.</summary>
    public static TheoryData<SiloStatus, SiloStatus, bool> Views => new()
    {
        { SiloStatus.None, SiloStatus.None, false },
        { SiloStatus.Joining, SiloStatus.Joining, false },
        { SiloStatus.Active, SiloStatus.Active, false },
        { SiloStatus.Dead, SiloStatus.Dead, false },
        // The reading names no dead silo whose end is proven, and Orleans may have forgotten one that the reading still names.
        { SiloStatus.Dead, SiloStatus.None, false },
        { SiloStatus.None, SiloStatus.Dead, false },
        { SiloStatus.None, SiloStatus.Joining, true },
        { SiloStatus.None, SiloStatus.Active, true },
        { SiloStatus.Joining, SiloStatus.Active, true },
        { SiloStatus.Active, SiloStatus.ShuttingDown, true },
        { SiloStatus.Active, SiloStatus.Dead, true },
        { SiloStatus.Active, SiloStatus.None, true },
        { SiloStatus.Dead, SiloStatus.Active, true },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public async Task Orleans_reads_where_its_view_differs_from_the_silos_reading_and_only_there(SiloStatus known, SiloStatus read, bool reads)
    {
        var members = new MembersOfProcess([.. Silos(known).Select(silo => (SiloNames.AddressOf(silo.Row), silo.Status))]);

        await FollowAsync(new OrleansView(members, _clock), OrleansView.Patience, [.. Silos(read).Select(silo => silo.Row)]);

        Assert.Equal(reads ? 1 : 0, members.Refreshes);
    }

    [Fact]
    public async Task Orleans_is_left_alone_while_it_may_still_read_by_itself()
    {
        var members = new MembersOfProcess((SiloNames.AddressOf(SiloTable.Row(1)), SiloStatus.Active));
        var view = new OrleansView(members, _clock);
        SiloRow[] differing = [SiloTable.Row(1), SiloTable.Row(2)];

        await FollowAsync(view, OrleansView.Patience - 1, differing);
        await FollowAsync(view, 1, SiloTable.Row(1));
        await FollowAsync(view, OrleansView.Patience - 1, differing);
        Assert.Equal(0, members.Refreshes);

        await FollowAsync(view, 1, differing);
        Assert.Equal(1, members.Refreshes);
        // One that goes on differing does not make Orleans read each time.
        await FollowAsync(view, OrleansView.Patience - 1, differing);
        Assert.Equal(1, members.Refreshes);
    }

    [Fact]
    public async Task A_reading_by_Orleans_that_hangs_is_given_up_after_three_seconds()
    {
        var members = new MembersOfProcess { Reading = new TaskCompletionSource().Task };
        var view = new OrleansView(members, _clock);
        await FollowAsync(view, OrleansView.Patience - 1, SiloTable.Row(1));

        var reading = FollowAsync(view, 1, SiloTable.Row(1));

        _clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(reading.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Orleans_reads_when_a_silo_has_a_successor_at_its_address()
    {
        var (before, after) = (SiloTable.Row(2), SiloTable.Row(2) with { Generation = 77 });
        var members = new MembersOfProcess((SiloNames.AddressOf(SiloTable.Row(1)), SiloStatus.Active), (SiloNames.AddressOf(before), SiloStatus.Active));

        await FollowAsync(new OrleansView(members, _clock), OrleansView.Patience, SiloTable.Row(1), before with { Status = SiloTable.Dead }, after);

        Assert.Equal(1, members.Refreshes);
    }

    private static IEnumerable<(SiloRow Row, SiloStatus Status)> Silos(SiloStatus other)
    {
        yield return (SiloTable.Row(1), SiloStatus.Active);
        if (other != SiloStatus.None)
        {
            yield return (SiloTable.Row(2, (int)other), other);
        }
    }

    private static async Task FollowAsync(OrleansView view, int readings, params SiloRow[] rows)
    {
        for (var reading = 0; reading < readings; reading++)
        {
            await view.FollowAsync(MembershipReading.Of(new FenceReading(1, 7, [.. rows]), TimeSpan.Zero, TimeSpan.Zero, SiloTable.Self, SiloTable.Grace));
        }
    }
}
