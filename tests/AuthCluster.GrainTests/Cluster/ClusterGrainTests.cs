using System.Collections.Immutable;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Cluster;
using AuthCluster.GrainTests.Fencing;

namespace AuthCluster.GrainTests.Cluster;

/// <summary>What is told about silos that die while they are asked.</summary>
public sealed class ClusterGrainTests
{
    [Fact]
    public async Task A_silo_that_dies_while_it_is_asked_is_told_once_as_dead()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        var grain = GrainOf(silo, async () =>
        {
            silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.FromSeconds(1))];
            await silo.Readings.ReadAsync();
        });

        var answer = await grain.DescribeAsync(TestContext.Current.CancellationToken);

        Assert.Equal([(SiloTable.Name(1), "active"), (SiloTable.Name(2), "dead")], answer.Silos.Select(one => (one.Address, one.Status)));
        Assert.NotNull(answer.Silos[1].MayDecideUntil);
    }

    [Fact]
    public async Task A_death_that_no_regular_reading_has_found_yet_is_told()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.FromSeconds(1))];

        var answer = await GrainOf(silo).DescribeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["active", "dead"], answer.Silos.Select(one => one.Status));
    }

    [Fact]
    public async Task Without_the_database_the_newest_reading_tells()
    {
        using var silo = await FencedSilo.AmongAsync(2);
        silo.Table.Rows = [SiloTable.Row(1), SiloTable.Row(2, SiloTable.Dead, TimeSpan.FromSeconds(1))];
        await silo.Readings.ReadAsync();
        silo.Table.GoAway();

        var answer = await GrainOf(silo).DescribeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["active", "dead"], answer.Silos.Select(one => one.Status));
    }

    private static ClusterGrain GrainOf(FencedSilo silo, Func<Task>? whileAsked = null)
    {
        var members = new MembersOfProcess([.. new[] { 1, 2 }.Select(number =>
            (SiloAddress.FromParsableString($"10.0.0.{number}:11111@{number}"), SiloStatus.Active))]);
        return new ClusterGrain(
            members,
            async address =>
            {
                await (whileAsked?.Invoke() ?? Task.CompletedTask);
                return new SiloReport("1", silo.Clock.GetUtcNow(), 0, 0, ImmutableArray<UnconfirmedRecord>.Empty);
            },
            silo.Rights,
            silo.Readings,
            null!,
            silo.Clock);
    }
}
