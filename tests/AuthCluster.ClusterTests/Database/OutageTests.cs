using System.Text.Json;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Database;

/// <summary>While the database is away, slow or silent, clients in memory are served, and all others are refused at once.</summary>
[Collection(nameof(ClusterBehindProxy))]
public sealed class OutageTests(ClusterBehindProxy behindProxy)
{
    private const int Warm = 20;
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind, ProxyMode> Outages
    {
        get
        {
            var rows = new TheoryData<DatabaseKind, ProxyMode>();
            foreach (var kind in Databases.All)
            {
                rows.Add(kind.Data, ProxyMode.Refuse);
                rows.Add(kind.Data, ProxyMode.Blackhole);
                rows.Add(kind.Data, ProxyMode.Slow);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task In_an_outage_warm_clients_get_tokens_cold_ones_503_at_once_no_silo_ends_and_all_recover(DatabaseKind kind, ProxyMode outage)
    {
        var (cluster, proxy) = await behindProxy.OnAsync(kind);
        var warm = behindProxy.Clients[outage].Take(Warm).ToList();
        var cold = new Queue<TestClient>(behindProxy.Clients[outage].Skip(Warm));
        // A client that got 503 is as cold as before.
        TestClient NextCold()
        {
            var next = cold.Dequeue();
            cold.Enqueue(next);
            return next;
        }

        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, warm);
        var spent = 0;
        Assert.Equal(200, (await SpendAllAsync(caller, cluster, behindProxy.Counted[outage], 2, () => spent++)).Status);
        var admin = await caller.TokenAsync(cluster.Nodes[0], behindProxy.Admin);
        foreach (var node in cluster.Nodes)
        {
            // The first write of a process also compiles its code, which this test does not measure.
            Assert.Equal(200, (await RenameAsync(caller, node, warm[0], admin)).Status);
        }

        var silos = cluster.Nodes.Select(node => node.ProcessId).ToList();

        var load = Load.Start(caller, cluster.Nodes, warm, perSecond: 40);
        await Task.Delay(1_000, Cancellation);
        proxy.Set(outage);

        // The silos notice by themselves, within the deadline of one read.
        await Task.Delay(4_000, Cancellation);
        var coldSamples = new List<Sample>();
        var writes = new List<(int Status, TimeSpan? RetryAfter, TimeSpan Took)>();
        var until = caller.Now + TimeSpan.FromSeconds(8);
        while (caller.Now < until)
        {
            var node = cluster.Nodes[coldSamples.Count % 2];
            coldSamples.Add(await caller.AskAsync(node, NextCold()));
            if (coldSamples.Count % 10 == 0)
            {
                writes.Add(await RenameAsync(caller, node, warm[0], admin));
            }

            await Task.Delay(100, Cancellation);
        }

        // A client with a quota has the permits that were reserved before the outage, and no more.
        var withoutBlock = await SpendAllAsync(caller, cluster, behindProxy.Counted[outage], ClusterBehindProxy.Quota, () => spent++);
        var spentInOutage = spent;

        foreach (var node in cluster.Nodes)
        {
            Assert.True(await caller.IsReadyAsync(node), "An outage of the database alone takes no node out.");
        }

        proxy.Set(ProxyMode.Forward);
        var back = caller.Now;
        await Eventually.HoldsAsync(
            "cold clients get tokens again, and an administrator may write",
            TimeSpan.FromSeconds(10),
            async () => (await Task.WhenAll(cluster.Nodes.Select(node => caller.AskAsync(node, NextCold())))).All(sample => sample.Status == 200)
                && (await RenameAsync(caller, cluster.Nodes[0], warm[0], admin)).Status == 200,
            Cancellation);
        var recovered = caller.Now - back;
        await Task.Delay(1_000, Cancellation);
        var report = await load.StopAsync();

        var figures = report.Figures($"database {outage}");
        var slowestCold = coldSamples.Max(sample => sample.Took);
        var slowestWrite = writes.Max(write => write.Took);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{coldSamples.Count} cold clients asked, slowest answer {slowestCold.TotalMilliseconds:f0} ms; {writes.Count} administrative writes, slowest {slowestWrite.TotalMilliseconds:f0} ms; recovered {recovered.TotalSeconds:f1} s after the database");
        Assert.True(report.Failed.Count == 0, figures + cluster.Outputs());
        Assert.True(report.Slowest < TimeSpan.FromSeconds(2), figures);
        Assert.All(coldSamples, sample => Assert.True(sample is { Status: 503, RetryAfter: not null }, sample.ToString()));
        Assert.All(writes, write => Assert.True(write is { Status: 503, RetryAfter: not null }, write.ToString()));
        Assert.True(slowestCold < AtOnce, $"A cold client waited {slowestCold.TotalSeconds:f2} s.");
        Assert.True(slowestWrite < AtOnce, $"An administrative write waited {slowestWrite.TotalSeconds:f2} s.");
        Assert.Equal(silos, cluster.Nodes.Select(node => node.ProcessId));
        Assert.Equal(2, await cluster.Database.NumberAsync("select count(*) from orleans_membership where status = 3"));

        // No token is missing in the counters: counts that stayed in memory during the outage were written after it.
        var issued = (Warm * cluster.Nodes.Count) + report.Samples.Count(sample => sample.Status == 200);
        var names = string.Join(", ", warm.Select(client => $"'{client.Id}'"));
        await Eventually.HoldsAsync(
            $"{issued} tokens are counted",
            TimeSpan.FromSeconds(10),
            async () => await cluster.Database.NumberAsync(
                $"select coalesce(sum(count), 0) from usage_hourly where client_id in ({names}) and outcome = 'issued'") == issued,
            Cancellation);

        // The client's quota is spent to the end and not beyond; a block whose reservation got no answer may be lost.
        Assert.True(withoutBlock is { Status: 503, RetryAfter: not null }, withoutBlock.ToString());
        Assert.InRange(spentInOutage, 1, ClusterBehindProxy.QuotaBlock);
        var last = await SpendAllAsync(caller, cluster, behindProxy.Counted[outage], ClusterBehindProxy.Quota, () => spent++);
        TestContext.Current.TestOutputHelper?.WriteLine($"{spent} tokens of a quota of {ClusterBehindProxy.Quota}, {spentInOutage} of them before its end");
        Assert.Equal(429, last.Status);
        Assert.InRange(spent, ClusterBehindProxy.Quota - ClusterBehindProxy.QuotaBlock, ClusterBehindProxy.Quota);
    }

    [Fact]
    public async Task Silos_outlive_a_crash_of_the_database()
    {
        var (cluster, _) = await behindProxy.OnAsync(DatabaseKind.PostgreSql);
        var warm = behindProxy.Clients[ProxyMode.Forward].Take(10).ToList();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, warm);
        var silos = cluster.Nodes.Select(node => node.ProcessId).ToList();

        var load = Load.Start(caller, cluster.Nodes, warm, perSecond: 40);
        await behindProxy.Postgres.KillAsync();
        await Task.Delay(3_000, Cancellation);
        await behindProxy.Postgres.StartAgainAsync(Cancellation);
        var back = caller.Now;
        await Eventually.HoldsAsync(
            "a cold client gets a token again",
            TimeSpan.FromSeconds(10),
            async () => (await caller.AskAsync(cluster.Nodes[0], behindProxy.Clients[ProxyMode.Forward][^1])).Status == 200,
            Cancellation);
        var recovered = caller.Now - back;
        var report = await load.StopAsync();

        var figures = report.Figures("database killed and started again");
        TestContext.Current.TestOutputHelper?.WriteLine($"recovered {recovered.TotalSeconds:f1} s after the database");
        Assert.True(report.Failed.Count == 0, figures + cluster.Outputs());
        Assert.Equal(silos, cluster.Nodes.Select(node => node.ProcessId));
    }

    [Fact]
    public async Task A_silo_that_starts_after_an_outage_of_the_database_serves_its_clients_within_seconds()
    {
        var (cluster, proxy) = await behindProxy.OnAsync(DatabaseKind.PostgreSql);
        var clients = behindProxy.Clients[ProxyMode.Forward].Skip(60).Take(40).ToList();
        var again = cluster.Nodes[1];
        using var caller = new Caller();

        proxy.Set(ProxyMode.Refuse);
        // Four of Orleans' own readings fail, so that it waits for 16 to 32 s before the next one.
        await Task.Delay(TimeSpan.FromSeconds(31), Cancellation);
        proxy.Set(ProxyMode.Forward);
        await again.StopAsync(Cancellation);
        await again.StartAsync(Cancellation);

        await Eventually.HoldsAsync(
            "all clients that are asked for at the new silo get tokens",
            TimeSpan.FromSeconds(5),
            async () => (await Task.WhenAll(clients.Select(client => caller.AskAsync(again, client)))).All(sample => sample.Status == 200),
            Cancellation);
    }

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task A_silo_that_hangs_while_the_database_is_away_keeps_nobody_past_the_deadline(DatabaseKind kind)
    {
        var (cluster, proxy) = await behindProxy.OnAsync(kind);
        var clients = behindProxy.Clients[ProxyMode.Forward].Skip(20).Take(40).ToList();
        using var caller = new Caller();
        await Activations.WarmAsync(caller, cluster.Nodes, clients);
        var (hung, _) = await Activations.FullestAsync(caller, cluster.Nodes);
        var sound = cluster.Nodes.Single(node => node != hung);

        proxy.Set(ProxyMode.Refuse);
        await Task.Delay(1_000, Cancellation);
        await hung.PauseAsync();
        var early = clients.Select(client => caller.AskAsync(sound, client)).ToList();
        await Task.Delay(2_000, Cancellation);
        var late = clients.Select(client => caller.AskAsync(sound, client)).ToList();
        var samples = await Task.WhenAll([.. early, .. late]);

        proxy.Set(ProxyMode.Forward);
        var back = caller.Now;
        await Eventually.HoldsAsync(
            "the clients of the hung silo get tokens elsewhere",
            TimeSpan.FromSeconds(20),
            async () => (await Task.WhenAll(clients.Select(client => caller.AskAsync(sound, client)))).All(sample => sample.Status == 200),
            Cancellation);
        var recovered = caller.Now - back;
        await hung.ContinueAsync();
        await hung.ExitAsync(Cancellation);
        await hung.StartAsync(Cancellation);

        var (served, refused) = (samples.Where(sample => sample.Status == 200).ToList(), samples.Where(sample => sample.Status != 200).ToList());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{served.Count} of {samples.Length} requests served; {refused.Count} refused, slowest {refused.Select(sample => sample.Took).DefaultIfEmpty().Max().TotalSeconds:f2} s; "
            + $"all served {recovered.TotalSeconds:f1} s after the database was back");
        Assert.NotEmpty(refused);
        Assert.All(refused, sample => Assert.True(sample is { Status: 503, RetryAfter: not null }, sample.ToString()));
        Assert.All(served, sample => Assert.True(sample.Took < AtOnce, sample.ToString()));
        Assert.All(refused, sample => Assert.True(sample.Took < TimeSpan.FromSeconds(8.5), sample.ToString()));
    }

    /// <summary>Asks each node in turn until one refuses, or until enough were given.</summary>
    private static async Task<Sample> SpendAllAsync(Caller caller, ClusterUnderTest cluster, TestClient client, int most, Action spent)
    {
        for (var asked = 0; ; asked++)
        {
            var sample = await caller.AskAsync(cluster.Nodes[asked % cluster.Nodes.Count], client);
            if (sample.Status != 200)
            {
                return sample;
            }

            spent();
            if (asked + 1 == most)
            {
                return sample;
            }
        }
    }

    private static async Task<(int Status, TimeSpan? RetryAfter, TimeSpan Took)> RenameAsync(
        Caller caller, ServerProcess node, TestClient client, string admin)
    {
        var sent = caller.Now;
        using var answer = await caller.SendAsync(
            node, HttpMethod.Patch, $"/admin/v1/clients/{client.Id}", admin, JsonSerializer.Serialize(new { name = $"at {sent}" }), "application/merge-patch+json");
        return ((int)answer.StatusCode, answer.Headers.RetryAfter?.Delta, caller.Now - sent);
    }
}
