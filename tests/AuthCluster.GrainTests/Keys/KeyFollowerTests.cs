using AuthCluster.Contracts.Keys;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.Keys;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.GrainTests.Fencing;
using AuthCluster.GrainTests.Parts;
using AuthCluster.Storage.Keys;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Keys;

/// <summary>When a silo loads the keys and the floor, and that it decides nothing while its own are void.</summary>
public sealed class KeyFollowerTests : IAsyncLifetime
{
    private const int OlderFloor = 1210;
    private const int NotRead = 1213;
    private const int OlderKeys = 1215;
    private const int Void = 1216;
    private const int ReadAgain = 1217;

    private readonly SqliteTables _tables = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 5, 15, 10, 30, 0, TimeSpan.Zero));
    private readonly FakeLogger<KeyFollower> _log = new();
    private readonly HeldKeys _held = new(new KeySnapshotRecord([], 0));
    private readonly GenerationFloor _floor = new();
    private readonly KeyMaterialStore _store;
    private readonly SiloRights _rights;
    private readonly KeyFollower _follower;
    private int _published;

    public KeyFollowerTests()
    {
        _store = new KeyMaterialStore(_tables.Database);
        _rights = new SiloRights(SiloTable.Self, new FenceSettings("test", SiloTable.Grace, IsShared: true), _clock);
        var gate = new StorageGate(_tables.Database, _clock, NullLogger<StorageGate>.Instance);
        _follower = new KeyFollower(_store, gate, _held, _floor, _rights, _log);
        _held.Subscribe(_ => _published++);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _tables.MigrateAsync();
        await _store.InitialiseAsync([Key("first")], new StoredPepper("pepper", [1], _clock.GetUtcNow()), _clock.GetUtcNow(), Cancellation);
        FindActive();
    }

    public ValueTask DisposeAsync() => _tables.DisposeAsync();

    [Fact]
    public async Task Keys_are_loaded_when_their_version_moves_and_only_then()
    {
        await FollowAsync(1);
        Assert.Equal(["first"], Held);
        Assert.True(_rights.MayDecide);
        await FollowAsync(1);
        Assert.Equal(1, _published);

        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        await FollowAsync(2);

        Assert.Equal(["first", "second"], Held);
        Assert.Equal(2, _published);
        Assert.True(_rights.MayDecide);
    }

    [Fact]
    public async Task Nothing_is_loaded_before_the_silo_has_found_itself_active()
    {
        var rights = new SiloRights(SiloTable.Self, new FenceSettings("test", SiloTable.Grace, IsShared: true), _clock);
        var gate = new StorageGate(_tables.Database, _clock, NullLogger<StorageGate>.Instance);

        await new KeyFollower(_store, gate, _held, _floor, rights, _log).FollowAsync(1, 7);

        Assert.Equal(0, _published);
        Assert.Equal(7, _floor.Value);
    }

    [Fact]
    public async Task A_silo_whose_keys_were_made_void_decides_nothing_until_it_has_loaded_the_newer_ones()
    {
        await FollowAsync(1);
        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        _rights.Fence.Void(_rights.Keys.Key, 2, _rights.Now);
        Assert.False(_rights.MayDecide);

        var waiting = _rights.WaitAsync();
        _follower.LoadSoon();

        Assert.True(await waiting);
        Assert.Equal(["first", "second"], Held);
    }

    [Fact]
    public async Task Keys_that_are_older_than_the_change_that_made_them_void_are_read_and_not_decided_by()
    {
        await FollowAsync(1);
        _rights.Fence.Void(_rights.Keys.Key, 2, _rights.Now);

        var waiting = _rights.WaitAsync();
        _follower.LoadSoon();
        Assert.False(await waiting);
        Assert.False(_rights.MayDecide);

        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        await FollowAsync(2);
        Assert.True(_rights.MayDecide);
    }

    [Fact]
    public async Task A_load_that_fails_refuses_those_who_wait_and_is_tried_again_after_the_next_reading_though_the_version_has_not_moved()
    {
        await FollowAsync(1);
        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        await _tables.ExecuteAsync("alter table signing_key rename to away");
        _rights.Fence.Void(_rights.Keys.Key, 2, _rights.Now);

        var waiting = _rights.WaitAsync();
        _follower.LoadSoon();
        Assert.False(await waiting);
        Assert.Equal(["first"], Held);
        await FollowAsync(2);
        Assert.False(_rights.MayDecide);
        Assert.Equal([Void], Logged);
        await _tables.ExecuteAsync("alter table away rename to signing_key");
        await FollowAsync(2);

        Assert.True(_rights.MayDecide);
        Assert.Equal([Void, ReadAgain], Logged);
        Assert.Equal(["first", "second"], Held);
    }

    [Fact]
    public async Task Keys_that_cannot_be_taken_are_logged_once_and_leave_the_present_ones_in_use()
    {
        await FollowAsync(1);
        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        _held.Subscribe(_ => throw new InvalidOperationException("An algorithm of a newer build."));

        await FollowAsync(2);
        await FollowAsync(2);
        Assert.True(_rights.MayDecide);
        Assert.Equal([NotRead], Logged);

        _held.Subscribe(_ => _published++);
        await FollowAsync(2);
        Assert.Equal(2, _published);
    }

    [Fact]
    public async Task A_database_that_went_back_in_time_is_logged_once_and_changes_neither_keys_nor_floor()
    {
        await _store.TryChangeRingAsync(1, [Key("second")], [], [], Cancellation);
        await FollowAsync(2, 9);
        var floor = _floor.Value;
        await _tables.ExecuteAsync("update key_ring set version = 1; delete from signing_key where kid = 'second'; update generation_floor set floor = 3");
        _rights.Keys.Doubt();

        await FollowAsync(1, 3);
        await FollowAsync(1, 3);

        Assert.Equal(["first", "second"], Held);
        Assert.Equal(floor, _floor.Value);
        Assert.False(_rights.MayDecide);
        Assert.Equal([OlderFloor, OlderKeys], Logged.Order());
    }

    private IEnumerable<string> Held => _held.Current.Keys.Select(key => key.Kid);

    private IEnumerable<int> Logged => _log.Collector.GetSnapshot().Select(line => line.Id.Id);

    private Task FollowAsync(long version, long? floor = null) => _follower.FollowAsync(version, floor ?? _floor.Value);

    private void FindActive() => _rights.Mandate.ReadReturned(MembershipReading.Of(
        new(1, 7, [SiloTable.Row(1)]), _rights.Now, _rights.Now, SiloTable.Self, SiloTable.Grace).View);

    private StoredSigningKey Key(string kid) => new()
    {
        Kid = kid,
        Algorithm = "ES256",
        State = StoredKeyState.Active,
        WrappedPrivateKey = [1, 2, 3],
        CreatedAt = _clock.GetUtcNow(),
    };
}
