using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Starting;

/// <summary>A common start on an empty database.</summary>
public sealed class ManyAtOnceTests
{
    private const int Silos = 10;
    private const int Killed = 3;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Databases.All), MemberType = typeof(Databases))]
    public async Task Ten_silos_that_start_at_once_some_of_them_killed_make_one_schema_one_key_ring_and_one_pepper(DatabaseKind kind)
    {
        var client = TestClient.New("orders");
        await using var cluster = await ClusterUnderTest.CreateAsync(kind, client.Document());
        var nodes = Enumerable.Range(0, Silos).Select(_ => cluster.Add()).ToList();
        using var caller = new Caller();
        var restarts = 0;
        var started = caller.Now;

        var starts = nodes.Select((node, i) => StartAsync(node, isVictim: i < Killed)).ToList();
        foreach (var node in nodes.Take(Killed))
        {
            // While the schema is made, and a little later.
            await Task.Delay(900, Cancellation);
            await node.KillAsync();
        }

        await Task.WhenAll(starts);
        TestContext.Current.TestOutputHelper?.WriteLine($"{Silos - Killed} silos ready after {(caller.Now - started).TotalSeconds:f1} s, {Killed} killed on the way, {restarts} restarted after a false alarm");

        var published = await Task.WhenAll(nodes.Skip(Killed).Select(node => caller.TryGetAsync(node, "/.well-known/jwks.json")));
        Assert.NotNull(published[0]);
        Assert.Single(published.Distinct());
        foreach (var node in nodes.Skip(Killed))
        {
            await caller.TokenAsync(node, client);
        }

        Assert.Equal("2|1|1|1", await cluster.Database.QueryAsync(
            "select (select count(*) from signing_key), (select count(*) from pepper), (select count(*) from key_ring), (select count(*) from generation_floor)"));
        Assert.Equal(0, await cluster.Database.NumberAsync(
            "select count(*) from (select script_name from schema_version group by script_name having count(*) > 1) twice"));

        // Ten starts at once starve two cores, and a silo that stands still for seconds is declared dead: a supervisor starts it again.
        async Task StartAsync(ServerProcess node, bool isVictim)
        {
            while (true)
            {
                try
                {
                    await node.StartAsync(Cancellation);
                    return;
                }
                catch (InvalidOperationException) when (isVictim)
                {
                    return;
                }
                catch (InvalidOperationException) when (node.OutputOfThisRun.Contains("I have been told I am dead", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref restarts);
                }
            }
        }
    }
}
