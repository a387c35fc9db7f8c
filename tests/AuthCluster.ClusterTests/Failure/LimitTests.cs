using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Failure;

/// <summary>Quotas and limits through kills: never more than allowed.</summary>
[Collection(nameof(ThreeSilos))]
public sealed class LimitTests(ThreeSilos silos)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_quota_is_never_exceeded_through_kills_of_its_silos(DatabaseKind kind)
    {
        const int Kills = 3;
        var tokens = silos.Quota;
        var client = silos.Counted;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        var issued = 0;
        var refused = 0;
        var ended = false;
        var callers = Enumerable.Range(0, 6).Select(async i =>
        {
            while (!Volatile.Read(ref ended))
            {
                var sample = await caller.AskAsync(cluster.Nodes[i % 3], client);
                if (sample.Status == 200)
                {
                    Interlocked.Increment(ref issued);
                }
                else if (sample.Status == 429)
                {
                    Interlocked.Increment(ref refused);
                }

                // Slow enough that the quota lasts for all kills.
                await Task.Delay(sample.Status == 200 ? 10 : 50, CancellationToken.None);
            }
        }).ToList();

        for (var kill = 0; kill < Kills; kill++)
        {
            var before = Volatile.Read(ref issued);
            await Eventually.HoldsAsync("tokens are issued", TimeSpan.FromSeconds(30), () => Volatile.Read(ref issued) > before + 200 || Volatile.Read(ref refused) > 0, Cancellation);
            await cluster.Nodes[kill].KillAsync();
            await cluster.Nodes[kill].StartAsync(Cancellation);
        }

        await Eventually.HoldsAsync("the quota is spent", TimeSpan.FromSeconds(60), () => Volatile.Read(ref refused) > 30, Cancellation);
        Volatile.Write(ref ended, true);
        await Task.WhenAll(callers);

        TestContext.Current.TestOutputHelper?.WriteLine($"{issued} of {tokens} tokens issued through {Kills} kills");
        Assert.InRange(issued, tokens - (Kills * tokens / 20), tokens);
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_limited_client_gets_no_second_burst_when_its_silo_is_killed(DatabaseKind kind)
    {
        const int Spent = 15;
        var clients = silos.Limited;
        var cluster = await silos.OnAsync(kind);
        using var caller = new Caller();
        var granted = clients.ToDictionary(client => client, _ => 0);
        foreach (var (client, i) in clients.Select((client, i) => (client, i)))
        {
            await SpendAsync(cluster.Nodes[i % 3], client, Spent);
        }

        var (victim, _) = await Activations.FullestAsync(caller, cluster.Nodes);
        await victim.KillAsync();
        var other = cluster.Nodes.First(node => node.IsRunning);
        foreach (var client in clients)
        {
            await SpendAsync(other, client, 2 * silos.Burst);
        }

        var emptied = granted.Values.Count(count => count == Spent);
        TestContext.Current.TestOutputHelper?.WriteLine($"{emptied} of {clients.Count} limited clients lived on the killed silo and started from an empty bucket");
        Assert.All(granted.Values, count => Assert.InRange(count, Spent, silos.Burst + 1));
        Assert.InRange(emptied, 1, clients.Count);

        async Task SpendAsync(ServerProcess node, TestClient client, int times)
        {
            for (var i = 0; i < times; i++)
            {
                var sample = await caller.AskAsync(node, client);
                Assert.True(sample.Status is 200 or 429, sample.ToString());
                granted[client] += sample.Status == 200 ? 1 : 0;
                if (sample.Status == 429)
                {
                    return;
                }
            }
        }
    }
}
