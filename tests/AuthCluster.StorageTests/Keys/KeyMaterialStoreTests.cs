using AuthCluster.Contracts.Revocation;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Keys;
using AuthCluster.Storage.Revocation;
using Dapper;

namespace AuthCluster.StorageTests.Keys;

public sealed class KeyMaterialStoreTests
{
    private const long Step = 1L << 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.Shared), MemberType = typeof(Providers))]
    public async Task The_connection_that_read_the_keys_holds_no_locks_for_its_next_reader(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var pool = provider == StorageProvider.SqlServer ? ";Max Pool Size=1" : ";Maximum Pool Size=1";
        await using var database = new Database(provider, under.ConnectionString + pool);

        await new KeyMaterialStore(database).ReadAsync(Cancel);
        await using var connection = await database.OpenAsync(Cancel);
        var isolation = await connection.ExecuteScalarAsync<string>(new CommandDefinition(
            provider == StorageProvider.SqlServer
                ? "select case transaction_isolation_level when 2 then 'read committed' end from sys.dm_exec_sessions where session_id = @@spid"
                : "show transaction_isolation",
            cancellationToken: Cancel));

        Assert.Equal("read committed", isolation);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task What_the_first_start_stores_is_read_back_whole(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        Assert.Null(await store.ReadAsync(Cancel));
        var active = Samples.SigningKey("kid-1");
        var standby = Samples.SigningKey("kid-2", StoredKeyState.Pending) with { ActivatesAt = Samples.Stored(Samples.Now).AddDays(90) };
        var pepper = Samples.Pepper("p-1");

        await store.InitialiseAsync([active, standby], pepper, Samples.Now, Cancel);

        var read = (await store.ReadAsync(Cancel))!;
        Assert.Equal(1, read.RingVersion);
        Assert.Equal(Step * Samples.Now.ToUnixTimeSeconds(), read.Floor);
        Assert.Equivalent(new[] { active, standby }, read.SigningKeys, strict: true);
        Assert.Equivalent(new[] { pepper }, read.Peppers, strict: true);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Nodes_that_start_together_all_get_the_ring_of_one(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        var rings = await Task.WhenAll(Enumerable.Range(0, 8).Select(node => Task.Run(() => new KeyMaterialStore(under.Database).InitialiseAsync(
            [Samples.SigningKey($"kid-{node}")], Samples.Pepper($"p-{node}"), Samples.Now.AddSeconds(node), Cancel))));

        var first = rings[0];
        Assert.All(rings, ring =>
        {
            Assert.Equal(first.SigningKeys.Single().Kid, ring.SigningKeys.Single().Kid);
            Assert.Equal(first.SigningKeys.Single().WrappedPrivateKey, ring.SigningKeys.Single().WrappedPrivateKey);
            Assert.Equal(first.Peppers.Single().PepperId, ring.Peppers.Single().PepperId);
            Assert.Equal(first.Floor, ring.Floor);
        });
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_rotation_moves_all_keys_at_once_and_keeps_their_private_parts(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync(
            [Samples.SigningKey("kid-1"), Samples.SigningKey("kid-2", StoredKeyState.Pending)], Samples.Pepper("p-1"), Samples.Now, Cancel);
        var later = Samples.Stored(Samples.Now).AddDays(90);

        var changed = await store.TryChangeRingAsync(
            first.RingVersion,
            [
                first.SigningKeys[0] with { State = StoredKeyState.Retired, RetiredAt = later, WrappedPrivateKey = [0] },
                first.SigningKeys[1] with { State = StoredKeyState.Active, ActiveAt = later },
                Samples.SigningKey("kid-3", StoredKeyState.Pending) with { CreatedAt = later },
            ],
            [Samples.Audit("a-1")],
            [],
            Cancel);

        Assert.True(changed);
        var ring = (await store.ReadAsync(Cancel))!;
        Assert.Equal(2, ring.RingVersion);
        Assert.Equal([StoredKeyState.Retired, StoredKeyState.Active, StoredKeyState.Pending], ring.SigningKeys.Select(key => key.State));
        Assert.Equal(later, ring.SigningKeys[0].RetiredAt);
        Assert.Equal(first.SigningKeys[0].WrappedPrivateKey, ring.SigningKeys[0].WrappedPrivateKey);
        Assert.Single((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_change_from_an_old_ring_version_writes_nothing(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync([Samples.SigningKey("kid-1")], Samples.Pepper("p-1"), Samples.Now, Cancel);
        Assert.True(await store.TryAddPepperAsync(first.RingVersion, Samples.Pepper("p-2") with { CreatedAt = Samples.Now.AddDays(1) }, Cancel));

        var late = await store.TryChangeRingAsync(
            first.RingVersion,
            [Samples.SigningKey("kid-2")],
            [Samples.Audit("a-1")],
            [new RevocationItem(RevokedKind.Key, "", "kid-1", 1, Samples.Now)],
            Cancel);

        Assert.False(late);
        Assert.False(await store.TryAddPepperAsync(first.RingVersion, Samples.Pepper("p-3"), Cancel));
        Assert.False(await store.TryRewrapAsync(first.RingVersion, [new RewrappedValue("kid-1", [1])], [], Cancel));
        var ring = (await store.ReadAsync(Cancel))!;
        Assert.Equal(["kid-1"], ring.SigningKeys.Select(key => key.Kid));
        Assert.Equal(["p-1", "p-2"], ring.Peppers.Select(pepper => pepper.PepperId));
        Assert.Equal(first.SigningKeys[0].WrappedPrivateKey, ring.SigningKeys[0].WrappedPrivateKey);
        Assert.Empty((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
        Assert.Empty((await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel)).Items);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Of_changes_at_once_from_one_version_exactly_one_is_made(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync([Samples.SigningKey("kid-0")], Samples.Pepper("p-1"), Samples.Now, Cancel);

        var changes = await Task.WhenAll(Enumerable.Range(1, 6).Select(node => Task.Run(() =>
            store.TryChangeRingAsync(first.RingVersion, [Samples.SigningKey($"kid-{node}")], [], [], Cancel))));

        Assert.Single(changes, changed => changed);
        Assert.Equal(2, (await store.ReadAsync(Cancel))!.SigningKeys.Length);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task Rewrapping_replaces_every_value_and_nothing_else(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync(
            [Samples.SigningKey("kid-1"), Samples.SigningKey("kid-2", StoredKeyState.Retired)], Samples.Pepper("p-1"), Samples.Now, Cancel);

        Assert.True(await store.TryRewrapAsync(
            first.RingVersion, [new RewrappedValue("kid-1", [1]), new RewrappedValue("kid-2", [2])], [new RewrappedValue("p-1", [3])], Cancel));

        var ring = (await store.ReadAsync(Cancel))!;
        Assert.Equivalent(
            new[] { first.SigningKeys[0] with { WrappedPrivateKey = [1] }, first.SigningKeys[1] with { WrappedPrivateKey = [2] } },
            ring.SigningKeys,
            strict: true);
        Assert.Equal([3], ring.Peppers.Single().WrappedValue);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task The_floor_rises_by_a_step_or_to_the_clock_whichever_is_more(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync([Samples.SigningKey("kid-1")], Samples.Pepper("p-1"), Samples.Now, Cancel);

        // The clock went back by a year, so only the step can raise the floor.
        var byStep = await store.RaiseFloorAsync(Samples.Now.AddYears(-1), Samples.MaxTokenLifetime, Samples.Audit("by step"), Cancel);
        var byClock = await store.RaiseFloorAsync(Samples.Now.AddHours(1), Samples.MaxTokenLifetime, Samples.Audit("by clock"), Cancel);

        Assert.Equal(first.Floor + Step, byStep.Floor);
        Assert.Equal(Step * Samples.Now.AddHours(1).ToUnixTimeSeconds(), byClock.Floor);
        Assert.Equal(byClock.Floor, (await store.ReadAsync(Cancel))!.Floor);
        var feed = await new RevocationStore(under.Database).FeedAsync(null, 10, Cancel);
        Assert.Equal([byStep.Floor, byClock.Floor], feed.Items.Select(item => item.Generation));
        Assert.All(feed.Items, item => Assert.Equal((RevokedKind.All, "*"), (item.Kind, item.Value)));
        Assert.Equal(Samples.Stored(Samples.Now.AddHours(1) + Samples.MaxTokenLifetime), feed.Items[1].ExpiresAt);
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_raise_that_is_asked_for_again_under_its_audit_id_is_made_once(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        await store.InitialiseAsync([Samples.SigningKey("kid-1")], Samples.Pepper("p-1"), Samples.Now, Cancel);

        var once = await store.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-1"), Cancel);
        var again = await store.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-1"), Cancel);
        var another = await store.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-2"), Cancel);

        Assert.Equal(once.Floor, again.Floor);
        Assert.Equal(once.Floor + Step, another.Floor);
    }

    /// <summary>Whoever holds keys of an older version looks again, also where the answer to the first call was lost.</summary>
    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_raise_of_the_floor_moves_the_version_also_when_it_is_asked_for_again(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var store = new KeyMaterialStore(under.Database);
        var first = await store.InitialiseAsync([Samples.SigningKey("kid-1")], Samples.Pepper("p-1"), Samples.Now, Cancel);

        var once = await store.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-1"), Cancel);
        var again = await store.RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-1"), Cancel);

        Assert.Equal([first.RingVersion + 1, first.RingVersion + 2], [once.Version, again.Version]);
        Assert.Equal(again, await store.ReadVersionAsync(Cancel));
        Assert.False(await store.TryAddPepperAsync(once.Version, Samples.Pepper("p-2"), Cancel));
        Assert.True(await store.TryAddPepperAsync(again.Version, Samples.Pepper("p-2"), Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_floor_cannot_be_raised_where_no_node_has_started(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => new KeyMaterialStore(under.Database).RaiseFloorAsync(Samples.Now, Samples.MaxTokenLifetime, Samples.Audit("a-1"), Cancel));

        Assert.Empty((await new AuditStore(under.Database).PageAsync(null, null, 10, Cancel)).Items);
    }

    [Fact]
    public void Nothing_wrapped_is_printed()
    {
        Assert.DoesNotContain("Wrapped", Samples.SigningKey("k").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Wrapped", Samples.Pepper("p").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Wrapped =", new RewrappedValue("k", [1]).ToString(), StringComparison.Ordinal);
    }
}
