using System.Collections.Concurrent;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>
/// Two and three activations of each client at once, each on a living silo of its own, as long as the test runs: what was answered holds for all of them, and
/// together they issue no more than one.
/// </summary>
public sealed class TwinTests
{
    private const int Writes = 40;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_activation_of_a_client_issues_a_token_by_a_state_that_an_answered_write_through_another_has_replaced(int silos)
    {
        await using var fenced = new FencedCluster { HasTwins = true };
        await fenced.BeSoundAsync(silos);
        var clients = fenced.Take(10);
        using var caller = new Caller();
        var admin = new FenceAdmin(caller, fenced.Admin);
        await admin.SignInAsync(fenced.Silos[0]);
        await Activations.WarmAsync(caller, fenced.Nodes, [.. clients, .. fenced.Steady]);
        await AssertTwinsAsync(caller, fenced, clients.Count + fenced.Steady.Count);
        var watch = TokenWatch.Start(caller, fenced.Nodes, fenced.Steady);
        var answers = new List<WriteAnswer>();

        for (var write = 0; write < Writes; write++)
        {
            var (client, node) = (clients[write % clients.Count], fenced.Nodes[write % fenced.Nodes.Count]);
            watch.Focus(client);
            await watch.AskAllAsync(client);
            answers.Add(await admin.DisableAsync(node, client));
            var disabled = watch.Promise("disable", client, answers[^1].Answered, asked => asked.IsIssued);
            await watch.AskAllAsync(client);
            disabled.Until = caller.Now;
            answers.Add(await admin.EnableAsync(fenced.Nodes[(write + 1) % fenced.Nodes.Count], client));
            var enabled = watch.Promise("enable", client, answers[^1].Answered, asked => asked.Sample.Status == 401);
            await watch.AskAllAsync(client);
            enabled.Until = caller.Now;
        }

        var report = await watch.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{WriteAnswer.Figures($"{silos} activations of each client, disable and enable", answers)}\n{report.Figures()}");
        await AssertTwinsAsync(caller, fenced, clients.Count + fenced.Steady.Count);
        Assert.All(answers, answer => Assert.True(answer.IsEverywhere, answer.ToString()));
        Assert.Empty(report.Broken);
        Assert.Empty(report.FailedAt(fenced.Nodes));
        Assert.All(fenced.Nodes, node => Assert.InRange(report.CoveredAt[node.Port], 2 * Writes, int.MaxValue));
    }

    [Fact]
    public async Task A_write_through_one_of_three_activations_waits_for_a_silo_that_stands_still_with_another()
    {
        await using var fenced = new FencedCluster { HasTwins = true, OutageGrace = "00:00:04" };
        await fenced.BeSoundAsync();
        using var fault = await FaultWatch.StartAsync("SIGSTOP of one of three silos for 3 s, an activation of each client on all", fenced, [fenced.Silos[0]], fenced.Take(20));
        using var caller = new Caller();
        await AssertTwinsAsync(caller, fenced, fenced.Steady.Count);

        await Task.Delay(1_000, Cancellation);
        await fenced.Silos[0].PauseAsync();
        await Task.Delay(3_000, Cancellation);
        await fenced.Silos[0].ContinueAsync();
        await Task.Delay(2_000, Cancellation);

        var report = await fault.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(report.First, answer => answer.Took > TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Three_activations_of_a_limited_client_issue_no_more_than_one_bucket()
    {
        const int Seconds = 12;
        await using var fenced = new FencedCluster { HasTwins = true };
        await fenced.BeSoundAsync();
        var clients = fenced.Limited["twins"];
        using var caller = new Caller();
        await AssertTwinsAsync(caller, fenced, clients.Count);
        var samples = new ConcurrentBag<(TestClient Client, Sample Sample)>();
        var nodes = fenced.Nodes;
        var load = Load.Start(
            caller,
            async number =>
            {
                var client = clients[number / nodes.Count % clients.Count];
                var sample = await caller.AskAsync(nodes[number % nodes.Count], client);
                samples.Add((client, sample));
                return sample;
            },
            perSecond: 150);
        await Task.Delay(TimeSpan.FromSeconds(Seconds), Cancellation);
        await load.StopAsync();

        var byClient = samples.ToLookup(one => one.Client, one => one.Sample);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{samples.Count(one => one.Sample.Status == 200)} tokens of {clients.Count} clients, "
            + string.Join(", ", samples.GroupBy(one => one.Sample.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} × {group.Key}"))
            + $"; at each node {string.Join(", ", nodes.Select(node => samples.Count(one => one.Sample.Port == node.Port && one.Sample.Status == 200)))}");
        Assert.All(clients, client =>
        {
            var elapsed = byClient[client].Max(sample => sample.At + sample.Took) - byClient[client].Min(sample => sample.At);
            Assert.InRange(byClient[client].Count(sample => sample.Status == 200), 1, fenced.Burst + (int)Math.Ceiling(elapsed.TotalSeconds * fenced.PerSecond));
        });
        // Otherwise nothing was asked of the others.
        Assert.All(fenced.Silos, silo => Assert.Contains(samples, one => one.Sample.Port == silo.Port && one.Sample.Status == 200));
    }

    /// <summary>Each silo has activated each of the clients.</summary>
    private static async Task AssertTwinsAsync(Caller caller, FencedCluster fenced, int clients)
    {
        var counts = await Task.WhenAll(fenced.Silos.Select(silo => Activations.CountAsync(caller, silo)));
        TestContext.Current.TestOutputHelper?.WriteLine($"activations of clients on the silos: {string.Join(", ", counts)}");
        Assert.All(counts, count => Assert.InRange(count, clients, double.MaxValue));
    }
}
