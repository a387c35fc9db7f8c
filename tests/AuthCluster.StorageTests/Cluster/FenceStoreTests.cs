using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;

namespace AuthCluster.StorageTests.Cluster;

public sealed class FenceStoreTests
{
    private const int Joining = 2;
    private const int Stopping = 5;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Without_a_key_ring_there_is_no_reading(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var fence = new FenceStore(under.Database, Membership.ClusterId);

        Assert.Null(ReadInThisThread(fence));
        Assert.Null(await fence.ReadAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Without_silos_a_reading_has_the_ring_and_the_floor(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var stored = await InitialiseKeysAsync(under);

        var reading = await ReadBothWaysAsync(under);

        Assert.Equal((stored.RingVersion, stored.Floor), (reading.KeysVersion, reading.Floor));
        Assert.Empty(reading.Silos);
    }

    [Fact]
    public async Task On_sqlite_there_are_no_silos_and_nothing_is_written()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);
        await InitialiseKeysAsync(under);
        var fence = new FenceStore(under.Database, Membership.ClusterId);

        await fence.StampDeathsAsync(Cancel);
        await fence.StateGraceAsync(Membership.Address, Membership.Port, 1, Minute, Cancel);
        await fence.MarkOwnEndedAsync(Membership.Address, Membership.Port, 1, Cancel);

        Assert.False(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 1, Cancel));
        Assert.Empty((await fence.ReadAsync(Cancel))!.Silos);
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_reading_has_the_silos_of_its_cluster_that_live_or_may_still_run(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await InitialiseKeysAsync(under);
        var membership = new Membership(under);
        foreach (var (name, generation, status) in new[]
        {
            ("active", 1, Membership.Active), ("joining", 2, Joining), ("stopping", 3, Stopping), ("dead", 4, Membership.Dead),
            ("dead without a stamp", 5, Membership.Dead), ("dead for 26 hours", 6, Membership.Dead), ("dead and ended", 7, Membership.Dead),
            ("stopping and ended", 8, Stopping),
        })
        {
            await membership.InsertAsync(name, generation, status);
        }

        await membership.InsertAsync("active elsewhere", 9, Membership.Active, "another");
        await membership.InsertAsync("dead elsewhere", 10, Membership.Dead, "another");
        await membership.SetDeadForAsync(4, TimeSpan.FromHours(24));
        await membership.SetDeadForAsync(6, TimeSpan.FromHours(26));
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        Assert.True(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 7, Cancel));
        await fence.MarkOwnEndedAsync(Membership.Address, Membership.Port, 8, Cancel);

        var silos = (await ReadBothWaysAsync(under)).Silos.OrderBy(silo => silo.Generation).ToList();

        Assert.Equal(["active", "joining", "stopping", "dead", "dead without a stamp", "stopping and ended"], silos.Select(silo => silo.Name));
        Assert.Equal([Membership.Active, Joining, Stopping, Membership.Dead, Membership.Dead, Stopping], silos.Select(silo => silo.Status));
        Assert.Equal([false, false, false, false, false, true], silos.Select(silo => silo.HasEnded));
        Assert.Equal([false, false, false, true, false, true], silos.Select(silo => silo.DeadFor is not null));
        Assert.All(silos, silo => Assert.Equal((Membership.Address, Membership.Port), (silo.Address, silo.Port)));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_reading_tells_the_age_of_a_death_by_the_databases_clock(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await InitialiseKeysAsync(under);
        var membership = new Membership(under);
        await membership.InsertAsync("dead", 1, Membership.Dead);
        await membership.InsertAsync("dead in the future", 2, Membership.Dead);
        await membership.SetDeadForAsync(1, 90 * Minute);
        await membership.SetDeadForAsync(2, -90 * Minute);

        var silos = (await ReadBothWaysAsync(under)).Silos.OrderBy(silo => silo.Generation).ToList();

        var elapsed = await membership.ClockAsync() - (await membership.DeadAtAsync(1))!.Value;
        Assert.InRange(silos[0].DeadFor!.Value, 90 * Minute, elapsed);
        Assert.Equal(TimeSpan.Zero, silos[1].DeadFor);
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_silos_outage_grace_is_read_as_it_was_stated_and_only_for_that_silo(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await InitialiseKeysAsync(under);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        await membership.InsertAsync("older build", 2, Membership.Active);
        var fence = new FenceStore(under.Database, Membership.ClusterId);

        await fence.StateGraceAsync(Membership.Address, Membership.Port, 1, TimeSpan.FromMilliseconds(1), Cancel);
        await fence.StateGraceAsync(Membership.Address, Membership.Port, 1, TimeSpan.FromHours(24) + TimeSpan.FromMicroseconds(1), Cancel);
        await membership.ChangeStatusAsync(1, Stopping);

        var silos = (await ReadBothWaysAsync(under)).Silos.OrderBy(silo => silo.Generation).ToList();
        Assert.Equal([TimeSpan.FromHours(24) + TimeSpan.FromMilliseconds(1), null], silos.Select(silo => silo.OutageGrace));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task An_end_is_written_for_a_dead_silo_once_and_never_for_one_that_lives(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Membership.Active);
        await membership.InsertAsync("elsewhere", 2, Membership.Dead, "another");
        var fence = new FenceStore(under.Database, Membership.ClusterId);

        Assert.False(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 1, Cancel));
        Assert.False(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 2, Cancel));
        Assert.False(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 3, Cancel));
        Assert.Null(await membership.EndedAtAsync(1));
        Assert.Null(await membership.EndedAtAsync(2));

        await membership.ChangeStatusAsync(1, Membership.Dead);
        var before = await membership.ClockAsync();
        Assert.True(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 1, Cancel));
        var ended = await membership.EndedAtAsync(1);
        Assert.True(await fence.MarkEndedAsync(Membership.Address, Membership.Port, 1, Cancel));

        Assert.InRange(ended!.Value, before, await membership.ClockAsync());
        Assert.Equal(ended, await membership.EndedAtAsync(1));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task The_word_of_an_operator_is_stored_once_and_audited_for_a_dead_silo_alone(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("lives", 1, Membership.Active);
        await membership.InsertAsync("dead elsewhere", 2, Membership.Dead, "another");
        await membership.InsertAsync("dead", 3, Membership.Dead);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        Task<bool> VouchAsync(int generation, string auditId) =>
            fence.VouchEndedAsync(Membership.Address, Membership.Port, generation, Samples.Audit(auditId), Cancel);

        Assert.False(await VouchAsync(1, "lives"));
        Assert.False(await VouchAsync(2, "elsewhere"));
        Assert.False(await VouchAsync(9, "unknown"));
        var before = await membership.ClockAsync();
        Assert.True(await VouchAsync(3, "first"));
        var ended = await membership.EndedAtAsync(3);
        Assert.True(await VouchAsync(3, "first"));
        Assert.True(await VouchAsync(3, "second"));

        Assert.Equal([null, null], [await membership.EndedAtAsync(1), await membership.EndedAtAsync(2)]);
        Assert.InRange(ended!.Value, before, await membership.ClockAsync());
        Assert.Equal(ended, await membership.EndedAtAsync(3));
        Assert.Equal(["first", "second"], await under.QueryAsync<string>("select audit_id from audit order by audit_id"));
    }

    [Fact]
    public async Task On_sqlite_the_word_of_an_operator_finds_no_silo()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.Sqlite);

        Assert.False(await new FenceStore(under.Database, Membership.ClusterId).VouchEndedAsync(Membership.Address, Membership.Port, 1, Samples.Audit("a"), Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task A_silo_that_ends_of_itself_is_stamped_and_keeps_the_stamp_when_it_is_declared_dead(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var membership = new Membership(under);
        await membership.InsertAsync("silo", 1, Stopping);
        await membership.InsertAsync("other", 2, Membership.Active);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        var before = await membership.ClockAsync();

        await fence.MarkOwnEndedAsync(Membership.Address, Membership.Port, 1, Cancel);
        var (dead, ended) = (await membership.DeadAtAsync(1), await membership.EndedAtAsync(1));
        var after = await membership.ClockAsync();
        await membership.ChangeStatusAsync(1, Membership.Dead);
        await fence.MarkOwnEndedAsync(Membership.Address, Membership.Port, 1, Cancel);

        Assert.InRange(dead!.Value, before, after);
        Assert.InRange(ended!.Value, before, after);
        Assert.Equal((dead, ended), (await membership.DeadAtAsync(1), await membership.EndedAtAsync(1)));
        Assert.Null(await membership.DeadAtAsync(2));
        Assert.Null(await membership.EndedAtAsync(2));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_reading_has_the_floor_of_its_version_while_the_floor_is_raised(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var stored = await InitialiseKeysAsync(under);
        var keys = new KeyMaterialStore(under.Database);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        var floors = new Dictionary<long, long> { [stored.RingVersion] = stored.Floor };
        var readings = new List<FenceReading>();

        var raises = Task.Run(
            async () =>
            {
                for (var raised = 0; raised < 30; raised++)
                {
                    var now = await keys.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit($"raise-{raised}"), Cancel);
                    floors.Add(now.Version, now.Floor);
                }
            },
            Cancel);
        do
        {
            readings.Add((await fence.ReadAsync(Cancel))!);
        }
        while (!raises.IsCompleted);

        await raises;
        Assert.Equal(31, floors.Count);
        Assert.All(readings, reading => Assert.Equal(floors[reading.KeysVersion], reading.Floor));
    }

    [Fact]
    public async Task A_reading_does_not_wait_for_a_change_of_the_membership_or_the_keys_on_postgresql()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var stored = await InitialiseKeysAsync(under);
        await new Membership(under).InsertAsync("silo", 1, Membership.Active);
        await using var other = await under.Database.OpenAsync(Cancel);
        await using var change = await other.BeginTransactionAsync(Cancel);
        foreach (var table in new[] { "orleans_membership_version set version = 7", "orleans_membership set status = 6", "key_ring set version = 7" })
        {
            await Database.ExecuteAsync(other, change, $"update {table}", null, Cancel);
        }

        var reading = await ReadBothWaysAsync(under);

        Assert.Equal(stored.RingVersion, reading.KeysVersion);
        Assert.Equal(Membership.Active, Assert.Single(reading.Silos).Status);
    }

    [Fact]
    public async Task A_reading_on_a_connection_that_broke_says_that_storage_is_unavailable()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        using var connection = fence.Open();
        await under.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");

        var failure = Assert.ThrowsAny<Exception>(() => fence.Read(connection, 3));

        Assert.True(StorageFaults.IsUnavailable(failure), $"{failure}");
    }

    /// <summary>SQL Server may show a floor that is newer than the version that was read before it.</summary>
    [Fact]
    public void Rows_between_which_the_ring_changed_make_no_reading()
    {
        var row = new FenceRow(Version: 1, Floor: 2, IsWhole: true, Silo: null);

        Assert.True(FenceRow.AreWhole([row]));
        Assert.True(FenceRow.AreWhole([]));
        Assert.False(FenceRow.AreWhole([row with { IsWhole = false }]));
    }

    private static Task<KeyMaterial> InitialiseKeysAsync(DatabaseUnderTest under) =>
        new KeyMaterialStore(under.Database).InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);

    private static FenceReading? ReadInThisThread(FenceStore fence)
    {
        using var connection = fence.Open();
        return fence.Read(connection, 3);
    }

    /// <summary>Reads in this thread and over the pool, and expects the same rows.</summary>
    private static async Task<FenceReading> ReadBothWaysAsync(DatabaseUnderTest under)
    {
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        var overThePool = (await fence.ReadAsync(Cancel))!;
        var reading = ReadInThisThread(fence)!;

        Assert.Equal((overThePool.KeysVersion, overThePool.Floor), (reading.KeysVersion, reading.Floor));
        Assert.Equal(WithoutAge(overThePool), WithoutAge(reading));
        return reading;

        static IEnumerable<SiloRow> WithoutAge(FenceReading reading) =>
            reading.Silos.OrderBy(silo => silo.Generation).Select(silo => silo with { DeadFor = null });
    }
}
