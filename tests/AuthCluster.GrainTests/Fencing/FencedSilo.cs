using System.Diagnostics.Metrics;
using AuthCluster.Fence;
using AuthCluster.Grains.Fencing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>
/// The fence of silo 1 over a table of silos in memory, without Orleans: the test says how other silos answer, and moves the one clock by which
/// the silo decides and waits.
/// </summary>
internal sealed class FencedSilo : IKeyLoader, IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    /// <param name="clock">The clock; by default one that only the test moves.</param>
    /// <param name="grace">How long the silo decides without the database.</param>
    /// <param name="pace">How often it reads, and for how long; by default as silos do.</param>
    public FencedSilo(FakeTimeProvider? clock = null, TimeSpan? grace = null, FenceTimes? pace = null)
    {
        Clock = clock ?? new FakeTimeProvider();
        Settings = new FenceSettings("test", grace ?? SiloTable.Grace, IsShared: true);
        Rights = new SiloRights(SiloTable.Self, Settings, Clock) { Pace = pace ?? new FenceTimes() };
        Readings = new FreshReadings(Table.ReadAsync, Rights, Settings, new MembersOfProcess(), Clock, new FakeLogger<FreshReadings>());
        Metrics = new FenceMetrics(Meters, Rights);
        Pending = new PendingVoids(Rights, AskAsync, Metrics, Clock, Log);
        Writes = new FencedWrites(Rights, Readings, AskAsync, Pending, this, Metrics) { WaitsBy = Clock };
    }

    public FakeTimeProvider Clock { get; }

    public FenceSettings Settings { get; }

    public SiloTable Table { get; } = new();

    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public SiloRights Rights { get; }

    public FreshReadings Readings { get; }

    public FenceMetrics Metrics { get; }

    public PendingVoids Pending { get; }

    public FencedWrites Writes { get; }

    public FakeLogger<PendingVoids> Log { get; } = new();

    /// <summary>How a silo answers that is asked to void: for how long its leases may last yet, or null for no answer.</summary>
    public Func<string, Task<TimeSpan?>> Answer { get; set; } = Acknowledge;

    /// <summary>What other silos were asked to void, in order.</summary>
    public List<(string Silo, string Key, long Version)> Asked { get; } = [];

    /// <summary>How often the keys were loaded because they were made void.</summary>
    public int KeyLoads { get; private set; }

    /// <summary>A silo that has read a table of so many active silos.</summary>
    public static async Task<FencedSilo> AmongAsync(int silos)
    {
        var silo = new FencedSilo();
        silo.Table.Rows = [.. Enumerable.Range(1, silos).Select(number => SiloTable.Row(number))];
        await silo.Readings.ReadAsync();
        return silo;
    }

    public static Task<TimeSpan?> Acknowledge(string silo) => Task.FromResult<TimeSpan?>(TimeSpan.Zero);

    /// <summary>All silos but this one acknowledge.</summary>
    public static Func<string, Task<TimeSpan?>> AllBut(int silent) =>
        silo => silo == SiloTable.Name(silent) ? Task.FromResult<TimeSpan?>(null) : Acknowledge(silo);

    /// <summary>Confirms a write for a caller that waits as long as one may.</summary>
    public Task<FenceAnswer> ConfirmAsync(string key = "c:client", long version = 2, WriteKind kind = WriteKind.Change) =>
        Writes.ConfirmAsync(key, version, kind, FencedWrites.MaxWait, TimeSpan.Zero);

    /// <summary>Lets all work go on that needs no time. Only for work that runs in the turns of one activation.</summary>
    public static async Task SettleAsync()
    {
        for (var turn = 0; turn < 100; turn++)
        {
            await Task.Yield();
        }
    }

    /// <summary>Moves the clock, by small steps and only while nothing else can go on, until the work is done.</summary>
    public async Task<T> FinishAsync<T>(Task<T> work)
    {
        var limit = Rights.Now + Patience;
        await SettleAsync();
        while (!work.IsCompleted)
        {
            Assert.True(Rights.Now < limit, "The work does not end.");
            Clock.Advance(Step);
            await SettleAsync();
        }

        return await work;
    }

    /// <summary>Moves the clock likewise, for so long.</summary>
    public async Task PassAsync(TimeSpan duration)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += Step)
        {
            Clock.Advance(Step);
            await SettleAsync();
        }
    }

    public Task FollowAsync(long version, long storedFloor) => Task.CompletedTask;

    public void LoadSoon() => KeyLoads++;

    private async Task<TimeSpan?> AskAsync(string silo, string key, long version)
    {
        Asked.Add((silo, key, version));
        return await Answer(silo);
    }

    public void Dispose()
    {
        Pending.Dispose();
        _services.Dispose();
    }
}
