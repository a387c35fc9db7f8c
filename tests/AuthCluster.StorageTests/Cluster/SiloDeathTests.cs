using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests.Cluster;

/// <summary>The membership's texts: when a death is stamped, and how long the row of a dead silo stays.</summary>
public sealed class SiloDeathTests
{
    private const int Stopping = 5;

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_death_is_stamped_by_the_databases_clock_whatever_time_orleans_passes(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        var before = await membership.ClockAsync();

        Assert.Equal(1, await membership.ChangeStatusAsync(1, Membership.Dead));

        Assert.InRange((await membership.DeadAtAsync(1))!.Value, before, await membership.ClockAsync());
        Assert.Null(await membership.EndedAtAsync(1));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_later_change_of_a_dead_silos_row_keeps_the_first_stamp(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        await membership.ChangeStatusAsync(1, Membership.Dead);
        var first = await membership.DeadAtAsync(1);

        Assert.Equal(1, await membership.ChangeStatusAsync(1, Membership.Dead));

        Assert.Equal(first, await membership.DeadAtAsync(1));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_silo_that_lives_has_no_stamp(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);

        Assert.Equal(1, await membership.ChangeStatusAsync(1, Stopping));

        Assert.Null(await membership.DeadAtAsync(1));
    }

    /// <summary>A stamp that is older than the death would let a writer stop waiting too soon.</summary>
    [Fact]
    public async Task A_death_that_waited_for_another_change_is_stamped_after_the_wait_on_postgresql()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        await using var other = await under.Database.OpenAsync(Cancel);
        await using var change = await other.BeginTransactionAsync(Cancel);
        await Database.ExecuteAsync(other, change, "update orleans_membership_version set modified_at = modified_at", null, Cancel);

        var death = membership.ChangeStatusAsync(1, Membership.Dead);
        await Eventually.HoldsAsync(
            "the death waits",
            TimeSpan.FromSeconds(10),
            async () => (await under.QueryAsync<string>(
                "select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")).Count == 1,
            Cancel);
        var waited = await membership.ClockAsync();
        await change.CommitAsync(Cancel);

        Assert.Equal(1, await death);
        Assert.InRange((await membership.DeadAtAsync(1))!.Value, waited, await membership.ClockAsync());
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_death_that_an_older_build_declares_has_no_stamp_until_a_newer_one_stamps_it(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        await membership.InsertAsync("alive", 2, Membership.Active);
        await membership.InsertAsync("of another cluster", 3, Membership.Dead, "another");
        Assert.Equal(1, await membership.ChangeStatusAsync(1, Membership.Dead, Membership.OldTextOf(provider)));
        Assert.Null(await membership.DeadAtAsync(1));
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        var before = await membership.ClockAsync();

        await fence.StampDeathsAsync(Cancel);
        var stamped = await membership.DeadAtAsync(1);
        await fence.StampDeathsAsync(Cancel);

        Assert.InRange(stamped!.Value, before, await membership.ClockAsync());
        Assert.Equal(stamped, await membership.DeadAtAsync(1));
        Assert.Null(await membership.DeadAtAsync(2));
        Assert.Null(await membership.DeadAtAsync(3));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task The_clean_up_keeps_a_dead_silo_until_it_has_ended_or_its_death_is_old(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        foreach (var (name, generation, status) in new[]
        {
            ("active", 1, Membership.Active), ("dead without a stamp", 2, Membership.Dead), ("dead for a day", 3, Membership.Dead),
            ("dead for 26 hours", 4, Membership.Dead), ("ended", 5, Membership.Dead), ("stopping", 6, Stopping),
        })
        {
            await membership.InsertAsync(name, generation, status);
        }

        await membership.InsertAsync("of another cluster", 7, Stopping, "another");
        await membership.InsertAsync("ended lately", 8, Membership.Dead, aliveAt: Samples.Now.AddDays(2));
        await membership.SetDeadForAsync(3, Day);
        await membership.SetDeadForAsync(4, TimeSpan.FromHours(26));
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        Assert.True(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 5, Cancel));
        Assert.True(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 8, Cancel));

        await membership.CleanUpAsync(Samples.Now.AddDays(1));

        Assert.Equal(
            ["active", "dead for a day", "dead without a stamp", "ended lately", "of another cluster"],
            (await membership.NamesAsync()).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task The_silos_that_are_dead_at_the_upgrade_are_stamped_and_have_ended_where_they_said_nothing_for_a_day(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider, migrate: false);
        foreach (var (_, text) in Scripts.Of(provider).Where(script => string.CompareOrdinal(script.Name, "0017") < 0))
        {
            await under.ExecuteAsync(text);
        }

        var membership = new Membership(under);
        var before = await membership.ClockAsync();
        await membership.InsertAsync("active", 1, Membership.Active, aliveAt: before.AddDays(-2));
        await membership.InsertAsync("dead", 2, Membership.Dead, aliveAt: before.AddHours(-23));
        await membership.InsertAsync("long dead", 3, Membership.Dead, aliveAt: before.AddHours(-25));

        Assert.Contains("0017_stamp_silo_deaths", await DatabaseUnderTest.MigratorOf(under.Database).MigrateAsync(Cancel));

        var after = await membership.ClockAsync();
        Assert.Null(await membership.DeadAtAsync(1));
        Assert.Null(await membership.EndedAtAsync(1));
        Assert.InRange((await membership.DeadAtAsync(2))!.Value, before, after);
        Assert.Null(await membership.EndedAtAsync(2));
        Assert.InRange((await membership.DeadAtAsync(3))!.Value, before, after);
        Assert.InRange((await membership.EndedAtAsync(3))!.Value, before, after);
    }
}
