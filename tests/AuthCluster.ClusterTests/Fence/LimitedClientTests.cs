using AuthCluster.ClusterTests.Session;

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
        var load = LimitedLoad.Start(caller, fenced, clients);

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
        var byClient = load.ByClient;
        var gaps = byClient.ToDictionary(
            group => group.Key,
            group => group.Where(sample => sample.Status == 200 && sample.At > lost).Select(sample => sample.At + sample.Took - lost).DefaultIfEmpty(TimeSpan.MaxValue).Min());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{fault}: {lived} clients lived on the lost silo; {load.Figures()}; "
            + $"the first token after the loss came after {string.Join(", ", gaps.Values.Order().Select(gap => $"{gap.TotalSeconds:f1}"))} s");

        // One token of each client was spent to warm up, so that the bucket may hold that much less.
        load.AssertWithinBuckets();
        Assert.All(clients, client => Assert.True(gaps[client] < TimeSpan.FromSeconds(seconds), $"{client} got no token for {gaps[client].TotalSeconds:f1} s."));
    }
}
