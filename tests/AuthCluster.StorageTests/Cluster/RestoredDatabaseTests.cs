using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;

namespace AuthCluster.StorageTests.Cluster;

public sealed class RestoredDatabaseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_restored_database_ends_every_token_that_could_have_been_issued(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var keys = new KeyMaterialStore(under.Database);
        await keys.InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);

        // Since the backup the floor had been raised three times, the last time in the second before the restore.
        var lost = await keys.RaiseFloorAsync(Samples.Now.AddDays(1), Samples.MaxTokenLifetime, Samples.Audit("lost"), Cancel);
        await under.ExecuteAsync("update generation_floor set floor = floor - 5000000");
        var floor = await new RestoredDatabase(under.Database).MarkAsync(Samples.Now.AddDays(1).AddSeconds(3), Samples.MaxTokenLifetime, Samples.Audit("restored"), forgetSilos: true, Cancel);

        Assert.True(floor > lost.Floor);
        var stored = (await keys.ReadAsync(Cancel))!;
        Assert.Equal(floor, stored.Floor);
        Assert.True(stored.RingVersion > lost.Version);
        Assert.Equal(["restored", "lost"], (await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items.Select(entry => entry.AuditId));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_database_that_no_node_ever_used_has_nothing_to_end(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        Assert.Null(await new RestoredDatabase(under.Database).MarkAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("restored"), forgetSilos: true, Cancel));
        Assert.Equal(0, await new MembershipStore(under.Database).CountLivingAsync(Samples.Now, Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task Silos_that_live_are_counted_and_those_of_the_backup_are_forgotten_unless_processes_run(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        await new KeyMaterialStore(under.Database).InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);
        var membership = new Membership(under);
        await membership.InsertAsync("alive", 1, Membership.Active);
        await membership.InsertAsync("dead", 2, Membership.Dead);
        await membership.InsertAsync("long ago", 3, Membership.Active, aliveAt: Samples.Now.AddDays(-1));
        var restored = new RestoredDatabase(under.Database);

        Assert.Equal(1, await new MembershipStore(under.Database).CountLivingAsync(Samples.Now.AddMinutes(-5), Cancel));
        await restored.MarkAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("forced"), forgetSilos: false, Cancel);
        Assert.Equal(3, Assert.Single(await under.QueryAsync<int>("select count(*) from orleans_membership")));
        await restored.MarkAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("restored"), forgetSilos: true, Cancel);

        Assert.Equal(0, Assert.Single(await under.QueryAsync<int>("select count(*) from orleans_membership")));
    }
}
