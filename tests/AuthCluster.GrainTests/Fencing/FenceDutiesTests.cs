using System.Net;
using System.Net.Sockets;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>What a silo does after each reading of the membership, over the table itself.</summary>
public sealed class FenceDutiesTests : IKeyLoader, IAsyncLifetime
{
    private const int Proven = 1222;
    private const int RoundFailed = 1224;

    private static readonly SiloRow Self = SiloTable.Row(1);
    private static readonly SiloRow Peer = SiloTable.Row(2);

    // Two seconds, which is the term, 1 % more, and 0.2 s.
    private static readonly TimeSpan ProofDelay = TimeSpan.FromSeconds(2.22);

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<FenceDuties> _log = new();
    private readonly FenceSettings _settings = new("test", SiloTable.Grace, IsShared: true);
    private readonly List<string> _pinged = [];
    private readonly SiloRights _rights;
    private MembershipTables? _tables;
    // Orleans has read nothing since this silo was created.
    private readonly MembersOfProcess _members = new((SiloNames.AddressOf(Self), SiloStatus.Created));
    private FreshReadings? _readings;
    private StorageGate? _gate;
    private FenceDuties? _duties;
    private Func<Task> _follow = () => Task.CompletedTask;
    private int _readAgain;

    public FenceDutiesTests() => _rights = new SiloRights(SiloTable.Self, _settings, _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MembershipTables Tables => _tables!;

    private FenceDuties Duties => _duties!;

    public async ValueTask InitializeAsync()
    {
        _tables = await MembershipTables.CreateAsync();
        _readings = new FreshReadings(Tables.Store.ReadAsync, _rights, _settings, _members, _clock, NullLogger<FreshReadings>.Instance);
        _gate = new StorageGate(Tables.Database, _clock, NullLogger<StorageGate>.Instance);
        _duties = DutiesWith(new StorageProbe(Tables.Database));
    }

    public ValueTask DisposeAsync() => Tables.DisposeAsync();

    Task IKeyLoader.FollowAsync(long version, long storedFloor) => _follow();

    void IKeyLoader.LoadSoon() => throw new NotSupportedException();

    [Fact]
    public async Task A_silo_states_its_outage_grace_before_it_decides_anything_and_reads_again_at_once()
    {
        await Tables.InsertAsync(Self with { OutageGrace = null });
        var first = await ReadAsync();
        Assert.False(_rights.Mandate.MayDecide(_rights.Now));

        await AfterAsync(first);

        Assert.Equal(1, _readAgain);
        Assert.Equal((long)SiloTable.Grace.TotalMilliseconds, await Tables.ReadAsync<long>("select outage_grace_ms from orleans_membership"));
        var second = await ReadAsync();
        Assert.True(_rights.Mandate.MayDecide(_rights.Now));
        await AfterAsync(second);
        Assert.Equal(1, _readAgain);
    }

    [Fact]
    public async Task A_dead_silo_whose_host_refuses_connections_has_ended_when_its_last_lease_has_run_out()
    {
        var dead = SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero) with { Address = $"{IPAddress.Loopback}", Port = FreePorts.Take() };
        await Tables.InsertAsync(Self);
        await Tables.InsertAsync(dead);
        var reading = await ReadAsync();

        await AfterAsync(reading);
        _clock.Advance(ProofDelay - TimeSpan.FromMilliseconds(1));
        await AfterAsync(reading);
        Assert.False(await Tables.HasAsync("ended_at", dead));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await AfterAsync(reading);

        Assert.True(await Tables.HasAsync("ended_at", dead));
        Assert.Equal([Proven], Logged);
        Assert.Null((await ReadAsync()).View.Find(SiloNames.Of(dead)));
    }

    [Fact]
    public async Task A_dead_silo_whose_port_takes_connections_may_still_run()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dead = SiloTable.Row(2, SiloTable.Dead, TimeSpan.Zero) with
        {
            Address = $"{IPAddress.Loopback}",
            Port = ((IPEndPoint)listener.LocalEndpoint).Port,
        };
        await Tables.InsertAsync(Self);
        await Tables.InsertAsync(dead);
        var reading = await ReadAsync();

        await AfterAsync(reading);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await AfterAsync(reading);

        Assert.False(await Tables.HasAsync("ended_at", dead));
    }

    [Fact]
    public async Task A_silo_that_took_the_place_of_a_dead_one_proves_that_it_has_ended()
    {
        var predecessor = Self with { Generation = 0, Status = SiloTable.Dead, DeadFor = TimeSpan.Zero };
        await Tables.InsertAsync(Self);
        await Tables.InsertAsync(predecessor);
        var reading = await ReadAsync();

        await AfterAsync(reading);
        Assert.False(await Tables.HasAsync("ended_at", predecessor));
        _clock.Advance(ProofDelay);
        await AfterAsync(reading);

        Assert.True(await Tables.HasAsync("ended_at", predecessor));
    }

    [Fact]
    public async Task A_death_that_an_older_build_declared_is_stamped()
    {
        var dead = SiloTable.Row(2, SiloTable.Dead);
        await Tables.InsertAsync(Self);
        await Tables.InsertAsync(dead);

        await AfterAsync(await ReadAsync());

        Assert.True(await Tables.HasAsync("dead_at", dead));
    }

    [Fact]
    public async Task A_silo_that_has_read_its_own_death_says_that_it_has_ended()
    {
        await Tables.InsertAsync(Self);
        await ReadAsync();
        await Tables.ExecuteAsync("update orleans_membership set status = 6, dead_at = now()");

        await AfterAsync(await ReadAsync());

        Assert.True(await Tables.HasAsync("ended_at", Self));
    }

    [Fact]
    public async Task A_silo_says_once_that_it_has_ended_and_only_after_its_last_lease()
    {
        await Tables.InsertAsync(Self);
        await ReadAsync();
        var copy = _rights.Fence.Open("c:client");
        Assert.True(copy.TryInstall(1, _rights.Now, _rights.Now));
        _rights.Fence.Grant(copy, TimeSpan.FromSeconds(1), _rights.Now);
        _rights.Mandate.Stop();

        var ending = Duties.EndAsync(Cancellation);
        for (var look = 0; look < 10; look++)
        {
            Assert.False(await Tables.HasAsync("ended_at", Self));
        }

        _clock.Advance(TimeSpan.FromSeconds(1.01));
        await ending;
        Assert.True(await Tables.HasAsync("ended_at", Self));
        await Tables.ExecuteAsync("update orleans_membership set ended_at = null");
        await Duties.EndAsync(Cancellation);
        Assert.False(await Tables.HasAsync("ended_at", Self));
    }

    [Fact]
    public async Task An_end_that_cannot_be_stored_keeps_no_process_from_ending()
    {
        await Tables.InsertAsync(Self);
        await ReadAsync();
        await Tables.ExecuteAsync("alter table orleans_membership rename to away");

        await Duties.EndAsync(Cancellation);

        Assert.Equal([1223], Logged);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_round_that_failed_does_not_end_the_next_and_is_logged_when_no_database_is_to_blame(bool isStorage)
    {
        await Tables.InsertAsync(Self with { OutageGrace = null });
        var reading = await ReadAsync();
        _follow = () => throw (isStorage ? new StorageUnavailableException("away") : new InvalidOperationException("a defect"));

        await AfterAsync(reading);
        Assert.False(await Tables.HasAsync("outage_grace_ms", Self));
        _follow = () => Task.CompletedTask;
        await AfterAsync(reading);

        Assert.True(await Tables.HasAsync("outage_grace_ms", Self));
        Assert.Equal(isStorage ? [] : [RoundFailed], Logged);
    }

    [Fact]
    public async Task No_round_begins_while_an_earlier_one_is_under_way()
    {
        await Tables.InsertAsync(Self);
        var reading = await ReadAsync();
        var end = new TaskCompletionSource();
        var rounds = 0;
        _follow = () =>
        {
            rounds++;
            return end.Task;
        };

        var (first, second) = (AfterAsync(reading), AfterAsync(reading));
        end.SetResult();
        await Task.WhenAll(first, second);
        Assert.Equal(1, rounds);
        await AfterAsync(reading);

        Assert.Equal(2, rounds);
    }

    [Fact]
    public async Task Other_silos_are_asked_whether_this_one_may_spend_on_only_after_a_reading_has_failed()
    {
        await Tables.InsertAsync(Self);
        await Tables.InsertAsync(Peer);
        await AfterAsync(await ReadAsync());
        Assert.Empty(_pinged);

        _clock.Advance(TimeSpan.FromSeconds(1.5));
        _rights.Mandate.ReadFailed(_rights.Now);
        await Duties.AfterFailure();

        Assert.Equal([SiloNames.Of(Peer)], _pinged);
        Assert.Equal(TimeSpan.FromSeconds(3.5), _rights.Mandate.SpendEnd);
    }

    [Fact]
    public async Task An_outage_begins_with_a_probe_that_fails_after_a_failed_reading_and_ends_with_the_next_reading()
    {
        await Tables.InsertAsync(Self);
        var reading = await ReadAsync();
        await using var closed = new Database(StorageProvider.PostgreSql, $"Host=127.0.0.1;Port={FreePorts.Take()};Username=nobody;Database=none");

        await DutiesWith(new StorageProbe(closed)).AfterFailure();
        Assert.True(_gate!.IsFailing);
        await AfterAsync(reading);

        Assert.False(_gate.IsFailing);
    }

    [Theory]
    [InlineData(SiloTable.Joining, 0)]
    [InlineData(SiloTable.Active, 1)]
    [InlineData(SiloTable.Dead, 1)]
    public async Task A_silo_that_has_joined_makes_Orleans_read_what_Orleans_does_not_know(int status, int refreshes)
    {
        await Tables.InsertAsync(Self with { Status = status });

        await AfterEachAsync(OrleansView.Patience);

        Assert.Equal(refreshes, _members.Refreshes);
        Assert.Empty(Logged);
    }

    [Fact]
    public async Task While_a_reading_by_Orleans_hangs_the_other_duties_go_on()
    {
        await Tables.InsertAsync(Self);
        await AfterEachAsync(OrleansView.Patience - 1);
        _members.Reading = new TaskCompletionSource().Task;
        var hanging = AfterAsync(await ReadAsync());
        await Tables.InsertAsync(Peer with { Status = SiloTable.Dead });

        var next = AfterAsync(await ReadAsync());

        await Eventually.HoldsAsync("the death is stamped", TimeSpan.FromSeconds(30), () => Tables.HasAsync("dead_at", Peer), Cancellation);
        Assert.Equal(1, _members.Refreshes);
        Assert.False(hanging.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(3));
        await Task.WhenAll(hanging, next);
        Assert.DoesNotContain(RoundFailed, Logged);
    }

    private IEnumerable<int> Logged => _log.Collector.GetSnapshot().Select(line => line.Id.Id);

    private FenceDuties DutiesWith(StorageProbe probe) =>
        new(Tables.Store, _rights, PingAsync, this, new OrleansView(_members, _clock), _gate!, probe, _settings, new SiloDetails(SiloTable.Self), _clock, _log);

    private async Task<MembershipReading> ReadAsync() => (await _readings!.ReadRowsAsync())!;

    private async Task AfterEachAsync(int readings)
    {
        for (var reading = 0; reading < readings; reading++)
        {
            await AfterAsync(await ReadAsync());
        }
    }

    private Task AfterAsync(MembershipReading reading) => Duties.After(reading, () => _readAgain++);

    private Task<bool> PingAsync(string silo, string asker)
    {
        Assert.Equal(SiloTable.Self, asker);
        _pinged.Add(silo);
        return Task.FromResult(true);
    }
}
