using System.Collections.Concurrent;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>Rate limits through the death and the sleep of a silo: never more than the bucket and its refill in all.</summary>
[Collection(nameof(FencedCluster))]
public sealed class LimitedClientTests(FencedCluster fenced)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("kill", 8)]
    // A silo that hangs is declared dead after some four seconds, and may spend for four seconds more.
    [InlineData("stop", 14)]
    public async Task A_limited_client_of_a_lost_silo_gets_tokens_again_and_never_more_than_its_bucket(string fault, int seconds)
    {
        await fenced.BeSoundAsync();
        var clients = fenced.Limited[fault];
        using var caller = new Caller();
        await Activations.WarmAsync(caller, fenced.Nodes, clients);
        var (victim, lived) = await Activations.FullestAsync(caller, fenced.Silos);
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

        await Task.Delay(1_500, Cancellation);
        var lost = caller.Now;
        await (fault == "kill" ? victim.KillAsync() : victim.PauseAsync());
        await Task.Delay(TimeSpan.FromSeconds(seconds), Cancellation);
        if (victim.IsPaused)
        {
            await victim.ContinueAsync();
            await Task.Delay(2_000, Cancellation);
        }

        await load.StopAsync();
        var byClient = samples.ToLookup(one => one.Client, one => one.Sample);
        var elapsed = byClient.ToDictionary(group => group.Key, group => group.Max(sample => sample.At + sample.Took) - group.Min(sample => sample.At));
        var issued = byClient.ToDictionary(group => group.Key, group => group.Count(sample => sample.Status == 200));
        var gaps = byClient.ToDictionary(
            group => group.Key,
            group => group.Where(sample => sample.Status == 200 && sample.At > lost).Select(sample => sample.At + sample.Took - lost).DefaultIfEmpty(TimeSpan.MaxValue).Min());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{fault}: {lived} clients lived on the lost silo; {issued.Values.Sum()} tokens of {clients.Count} clients, "
            + $"{string.Join(", ", samples.GroupBy(one => one.Sample.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} × {group.Key}"))}; "
            + $"the first token after the loss came after {string.Join(", ", gaps.Values.Order().Select(gap => $"{gap.TotalSeconds:f1}"))} s");

        // One token of each client was spent to warm up, so that the bucket may hold that much less.
        Assert.All(clients, client => Assert.InRange(issued[client], 1, fenced.Burst + (int)Math.Ceiling(elapsed[client].TotalSeconds * fenced.PerSecond)));
        Assert.All(clients, client => Assert.True(gaps[client] < TimeSpan.FromSeconds(seconds), $"{client} got no token for {gaps[client].TotalSeconds:f1} s."));
    }
}
