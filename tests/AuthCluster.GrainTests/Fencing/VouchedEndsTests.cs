using AuthCluster.Contracts.Cluster;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.GrainTests.Clients;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>The word of an operator that a silo has ended, over the table itself.</summary>
public sealed class VouchedEndsTests : IAsyncLifetime
{
    private static readonly SiloRow Dead = SiloTable.Row(2, SiloTable.Dead, TimeSpan.FromSeconds(10));

    // Two seconds, which is the term, 1 % more, and 0.2 s.
    private static readonly TimeSpan LastLease = TimeSpan.FromSeconds(2.22);

    private readonly WaitingClock _clock = new();
    private readonly FenceSettings _settings = new("test", SiloTable.Grace, IsShared: true);
    private ReadMembership? _read;
    private MembershipTables? _tables;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MembershipTables Tables => _tables!;

    public async ValueTask InitializeAsync()
    {
        _tables = await MembershipTables.CreateAsync(SiloTable.Row(1), SiloTable.Row(3), SiloTable.Row(4, SiloTable.Joining), Dead);
        _read = Tables.Store.ReadAsync;
    }

    public ValueTask DisposeAsync() => Tables.DisposeAsync();

    [Fact]
    public async Task The_word_that_a_dead_silo_has_ended_is_stored_with_its_audit_entry_when_the_last_lease_has_run_out()
    {
        var taking = TakeAsync(SiloNames.Of(Dead));
        await _clock.WaitForAsync();
        _clock.Advance(LastLease - TimeSpan.FromMilliseconds(1));
        for (var look = 0; look < 10; look++)
        {
            Assert.False(await Tables.HasAsync("ended_at", Dead));
        }

        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(VouchEndedOutcome.Done, await taking);
        Assert.True(await Tables.HasAsync("ended_at", Dead));
        Assert.Equal(SiloNames.Of(Dead), await Tables.ReadAsync<string>("select target from audit where action = 'silo.ended'"));
    }

    [Fact]
    public async Task The_word_is_taken_again_without_a_wait_when_the_silo_counts_as_ended_already()
    {
        var taking = TakeAsync(SiloNames.Of(Dead));
        await _clock.WaitForAsync();
        _clock.Advance(LastLease);
        Assert.Equal(VouchEndedOutcome.Done, await taking);

        Assert.Equal(VouchEndedOutcome.Done, await TakeAsync(SiloNames.Of(Dead)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task The_word_that_a_living_or_joining_silo_has_ended_is_not_taken(int silo)
    {
        Assert.Equal(VouchEndedOutcome.Alive, await TakeAsync(SiloTable.Name(silo)));

        Assert.False(await Tables.HasAsync("ended_at", SiloTable.Row(silo)));
        Assert.Equal(0, await Tables.ReadAsync<int>("select count(*) from audit"));
    }

    [Theory]
    [InlineData("S10.0.0.9:11111:9")]
    [InlineData("no silo")]
    public async Task The_word_on_a_silo_that_the_table_lacks_is_not_taken(string silo) =>
        Assert.Equal(VouchEndedOutcome.NotFound, await TakeAsync(silo));

    [Fact]
    public async Task The_word_is_not_taken_while_the_table_cannot_be_read()
    {
        _read = _ => throw new StorageUnavailableException("away");

        Assert.Equal(VouchEndedOutcome.Unavailable, await TakeAsync(SiloNames.Of(Dead)));
    }

    [Fact]
    public async Task The_word_that_cannot_be_stored_is_not_taken()
    {
        await Tables.ExecuteAsync("alter table audit rename to away");

        var taking = TakeAsync(SiloNames.Of(Dead));
        await _clock.WaitForAsync();
        _clock.Advance(LastLease);

        Assert.Equal(VouchEndedOutcome.Unavailable, await taking);
        Assert.False(await Tables.HasAsync("ended_at", Dead));
    }

    private Task<VouchEndedOutcome> TakeAsync(string silo)
    {
        var rights = new SiloRights(SiloTable.Self, _settings, _clock);
        var readings = new FreshReadings(_read!, rights, _settings, new MembersOfProcess(), _clock, NullLogger<FreshReadings>.Instance);
        var gate = new StorageGate(Tables.Database, _clock, NullLogger<StorageGate>.Instance);
        return new VouchedEnds(Tables.Store, readings, rights, _settings, gate, _clock)
            .TakeAsync(new VouchEndedCommand(silo, TestClients.Actor()), Cancellation);
    }

    /// <summary>A clock that tells when somebody waits for the leases of a dead silo to run out.</summary>
    private sealed class WaitingClock : FakeTimeProvider
    {
        private readonly SemaphoreSlim _waits = new(0);

        public Task WaitForAsync() => _waits.WaitAsync(Cancellation);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == LastLease)
            {
                _waits.Release();
            }

            return timer;
        }
    }
}
