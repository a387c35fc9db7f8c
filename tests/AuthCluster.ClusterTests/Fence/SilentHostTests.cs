using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Fence;

/// <summary>A silo whose host falls silent: nothing proves its end but time, or an operator.</summary>
[Collection(nameof(SeparateHosts))]
public sealed class SilentHostTests(SeparateHosts hosts)
{
    private const string Grace = "AuthCluster:Cluster:OutageGrace";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Writes_are_unconfirmed_until_an_operator_vouches_that_the_silo_has_ended()
    {
        var cluster = await hosts.SoundAsync();
        var victim = cluster.Silos[2];
        // Longer than any machine needs for this test. The longest grace of any silo counts for all.
        await victim.StopAsync(Cancellation);
        victim[Grace] = "00:05:00";
        await victim.StartAsync(Cancellation);
        victim[Grace] = $"{SeparateHosts.OutageGrace}";
        await cluster.BeSoundAsync();
        var node = cluster.Silos[0];
        using var fault = await FaultWatch.StartAsync("a silo is killed and its host is silent", cluster, [victim], cluster.Take(25));
        var admin = fault.Admin;

        await Task.Delay(1_000, Cancellation);
        await hosts.CutAsync(victim, from: true, to: true);
        await victim.KillAsync();
        var (address, left) = await NamedAsync(admin, cluster, victim.Port);
        var client = cluster.Take(1)[0];
        var unconfirmed = await admin.DisableAsync(node, client);

        Assert.True(unconfirmed is { Status: 202, HoldsEverywhere: "no", RetryAfter: not null }, unconfirmed.ToString());
        var silos = (await admin.GetAsync(node, "cluster")).GetProperty("silos").EnumerateArray().ToList();
        var living = silos.First(silo => silo.GetProperty("status").GetString() == "active").GetProperty("address").GetString()!;
        Assert.Equal(409, (await admin.VouchEndedAsync(node, living)).Status);
        Assert.Equal(404, (await admin.VouchEndedAsync(node, "S10.0.0.9:11111:7")).Status);
        var vouched = await admin.VouchEndedAsync(node, address);
        var confirmed = await admin.DisableAsync(node, client);
        var isAudited = (await admin.GetAsync(node, "audit?limit=50")).GetProperty("items").EnumerateArray()
            .Any(item => item.GetProperty("target").GetString() == address && item.GetProperty("actor").GetString() == cluster.Admin.Id);

        await fault.StopAsync(TimeSpan.FromSeconds(20));
        TestContext.Current.TestOutputHelper?.WriteLine($"before the operator's word: {unconfirmed}\nthe word: {vouched}\nafter it: {confirmed}; it would have been unconfirmed for {left.TotalSeconds:f0} s more");
        Assert.True(vouched.Status == 204, vouched.ToString());
        Assert.True(confirmed.IsEverywhere, confirmed.ToString());
        Assert.True(isAudited, "The operator's word is not in the audit.");
    }

    /// <summary>Waits until the silo is named as one that might still decide.</summary>
    private static async Task<(string Address, TimeSpan Left)> NamedAsync(FenceAdmin admin, FencedCluster cluster, int port)
    {
        var named = default(KeyValuePair<string, UnconfirmedSilo>);
        await Eventually.HoldsAsync(
            "the killed silo is named",
            TimeSpan.FromSeconds(30),
            async () =>
            {
                var silos = await admin.UnconfirmedAsync(cluster.Silos[0]);
                named = silos?.FirstOrDefault(silo => cluster.PortOf(silo.Key) == port) ?? default;
                return named.Value is { IsDead: true };
            },
            Cancellation);
        return (named.Key, named.Value.Until - admin.Now);
    }
}
