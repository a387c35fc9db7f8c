using System.Data.Common;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using AuthCluster.Grains.StorageAccess;
using AuthCluster.GrainTests.Parts;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>A silo whose keeper reads the membership on its threads when the test says so.</summary>
internal sealed class KeptSilo : ISiloLifecycle, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SqliteTables _tables = new();
    private readonly SemaphoreSlim _read = new(0);
    private readonly FencedSilo _silo;
    private ILifecycleObserver? _active;
    private int _reads;

    /// <param name="clock">The clock; by default one that only the test moves.</param>
    /// <param name="grace">How long the silo decides without the database.</param>
    /// <param name="pace">How often it reads in real time, and for how long; by default so seldom and so long that no test meets either.</param>
    public KeptSilo(FakeTimeProvider? clock = null, TimeSpan? grace = null, FenceTimes? pace = null)
    {
        _silo = new FencedSilo(clock, grace, pace ?? new FenceTimes { Term = TimeSpan.FromMinutes(1) });
        var gate = new StorageGate(_tables.Database, Clock, NullLogger<StorageGate>.Instance);
        var duties = new FenceDuties(
            new FenceStore(_tables.Database, "test"),
            Rights,
            (_, _) => Task.FromResult(false),
            _silo,
            new OrleansView(new MembersOfProcess(), Clock),
            gate,
            new StorageProbe(_tables.Database),
            _silo.Settings,
            new SiloDetails(SiloTable.Self),
            Clock,
            NullLogger<FenceDuties>.Instance);
        Keeper = new MandateKeeper(Read, Rights, _silo.Readings, duties, _silo.Metrics, _silo.Settings, Log);
        Keeper.Participate(this);
    }

    public FakeTimeProvider Clock => _silo.Clock;

    public SiloTable Table => _silo.Table;

    public SiloRights Rights => _silo.Rights;

    public FencedSilo Silo => _silo;

    public MandateKeeper Keeper { get; }

    public FakeLogger<MandateKeeper> Log { get; } = new();

    /// <summary>What has been logged.</summary>
    public IEnumerable<(int Id, string Message)> Logged => Log.Collector.GetSnapshot().Select(line => (line.Id.Id, line.Message));

    /// <summary>What a reading does in place of reading the table; null for nothing.</summary>
    public Func<FenceReading?>? Instead { get; set; }

    int ISiloLifecycle.HighestCompletedStage => throw new NotSupportedException();

    int ISiloLifecycle.LowestStoppedStage => throw new NotSupportedException();

    /// <summary>Starts the keeper, and returns when it has read.</summary>
    public async Task StartAsync()
    {
        await Keeper.StartAsync(CancellationToken.None);
        await RoundAsync();
    }

    /// <summary>Returns when the keeper has read, and has taken what it read, in a round that began after the call.</summary>
    public async Task RoundAsync()
    {
        // The first reading may belong to a round that began before the call, and the third begins when the round of the second is done.
        var seen = Volatile.Read(ref _reads);
        while (Volatile.Read(ref _reads) < seen + 3)
        {
            await BecomeActiveAsync();
            Assert.True(await _read.WaitAsync(Patience, TestContext.Current.CancellationToken), "The keeper does not read.");
        }
    }

    /// <summary>The silo reaches the stage at which it is active, which makes the keeper read at once.</summary>
    public Task BecomeActiveAsync() => _active!.OnStart(CancellationToken.None);

    IDisposable ILifecycleObservable.Subscribe(string observerName, int stage, ILifecycleObserver observer)
    {
        Assert.Equal(ServiceLifecycleStage.Active, stage);
        _active = observer;
        return new Subscription();
    }

    public async ValueTask DisposeAsync()
    {
        await Keeper.StopAsync(CancellationToken.None);
        Keeper.Dispose();
        _silo.Dispose();
        await _tables.DisposeAsync();
        _read.Dispose();
    }

    private FenceReading? Read(ref DbConnection? connection)
    {
        Interlocked.Increment(ref _reads);
        _read.Release();
        return Instead is { } instead ? instead() : Table.Read();
    }

    private sealed class Subscription : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
