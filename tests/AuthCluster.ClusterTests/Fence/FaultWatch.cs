using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>
/// Steady token requests at every node and steady administrative writes through sound ones, while a test makes something fail; then the rules that
/// hold in every fault.
/// </summary>
internal sealed class FaultWatch : IDisposable
{
    private static readonly TimeSpan WriteEvery = TimeSpan.FromMilliseconds(400);

    private readonly string _fault;
    private readonly Caller _caller;
    private readonly IReadOnlyList<ServerProcess> _through;
    private readonly TokenWatch _watch;
    private readonly FollowedWrites _writes;

    private FaultWatch(string fault, Caller caller, FenceAdmin admin, IReadOnlyList<ServerProcess> through, TokenWatch watch, FollowedWrites writes)
    {
        (_fault, _caller, Admin, _through, _watch, _writes) = (fault, caller, admin, through, watch, writes);
    }

    /// <summary>The administrator.</summary>
    public FenceAdmin Admin { get; }

    /// <summary>The time, by the clock of all samples and answers.</summary>
    public TimeSpan Now => _caller.Now;

    /// <summary>Starts.</summary>
    /// <param name="fault">What fails, for the printed figures.</param>
    /// <param name="fenced">The cluster.</param>
    /// <param name="victims">The silos that no write is sent through.</param>
    /// <param name="clients">The clients to write, one for each write.</param>
    /// <param name="steady">Clients that nobody writes; null for those of the cluster.</param>
    public static async Task<FaultWatch> StartAsync(
        string fault, FencedCluster fenced, IReadOnlyList<ServerProcess> victims, IReadOnlyList<TestClient> clients, IReadOnlyList<TestClient>? steady = null)
    {
        steady ??= fenced.Steady;
        var caller = new Caller();
        var admin = new FenceAdmin(caller, fenced.Admin);
        var through = fenced.Nodes.Except(victims).ToList();
        await admin.SignInAsync(through[0]);
        await Activations.WarmAsync(caller, fenced.Nodes, [.. steady, .. clients]);
        var watch = TokenWatch.Start(caller, fenced.Nodes, steady);
        var writes = FollowedWrites.Start(admin, watch, through, clients, WriteEvery, fenced.PortOf);
        return new FaultWatch(fault, caller, admin, through, watch, writes);
    }

    /// <summary>
    /// Ends the writes, when each holds everywhere, and then the requests; checks that no promise was broken, that each answer is one of the contract's, and
    /// that each stored write is stored.
    /// </summary>
    /// <param name="within">How long it may take until the last write holds everywhere.</param>
    public async Task<FaultReport> StopAsync(TimeSpan within)
    {
        var writes = await _writes.StopAsync(within);
        var report = await _watch.StopAsync();
        var figures = $"{_fault}\n{WriteAnswer.Figures("first answers", [.. writes.Select(write => write.First)])}\n"
            + $"all hold everywhere {writes.Max(write => write.Last.Answered - write.First.Sent).TotalSeconds:f1} s after they were sent at the latest\n{report.Figures()}";
        TestContext.Current.TestOutputHelper?.WriteLine(figures);
        foreach (var refused in writes.Where(write => write.First.Status is not (200 or 202)).Take(3))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"  {refused.First}");
        }

        foreach (var failed in report.FailedAt(_through).GroupBy(asked => asked.Sample.Port))
        {
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"  {failed.Count()} requests of clients that nobody wrote failed at sound node {failed.Key}, the first: {failed.MinBy(asked => asked.Sample.At)!.Sample}");
        }

        Assert.Empty(report.Broken);
        Assert.All(writes, write => Assert.True(write.First.Status is 200 or 202 or 503, write.First.ToString()));
        Assert.All(writes, write => Assert.True(write.First.Took < WriteAnswer.MaxTime, write.First.ToString()));
        foreach (var write in writes.Where(write => write.First.IsStoredOnly))
        {
            Assert.Equal("no", write.First.HoldsEverywhere);
            Assert.NotNull(write.First.RetryAfter);
        }

        Assert.All(writes, write => Assert.True(write.Last.IsEverywhere, $"It never held everywhere: {write.Last}"));
        foreach (var write in writes)
        {
            Assert.False((await Admin.GetAsync(_through[0], $"clients/{write.Client.Id}")).GetProperty("enabled").GetBoolean(), $"{write.Client}: {write.First}");
        }

        return new FaultReport(writes, report);
    }

    public void Dispose() => _caller.Dispose();
}

/// <summary>What a fault did to writes and to token requests.</summary>
internal sealed record FaultReport(IReadOnlyList<FollowedWrite> Writes, WatchReport Watch)
{
    /// <summary>The first answers.</summary>
    public IReadOnlyList<WriteAnswer> First { get; } = [.. Writes.Select(write => write.First)];
}
