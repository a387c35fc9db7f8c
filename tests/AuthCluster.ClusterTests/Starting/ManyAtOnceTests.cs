using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Starting;

/// <summary>A common start on an empty database.</summary>
public sealed class ManyAtOnceTests
{
    private const int Silos = 10;
    private const int Killed = 3;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task Ten_silos_that_start_at_once_some_of_them_killed_make_one_schema_one_key_ring_and_one_pepper()
    {
        var client = TestClient.New("orders");
        await using var postgres = await StartPostgresAsync();
        var database = await postgres.CreateDatabaseAsync(Cancellation);
        await using var cluster = ClusterUnderTest.On(postgres.ConnectionStringOf(database), client.Document());
        var nodes = Enumerable.Range(0, Silos).Select(_ => cluster.Add()).ToList();
        using var caller = new Caller();
        var started = caller.Now;

        var starts = nodes.Select(node => node.StartAsync(Cancellation)).ToList();
        foreach (var node in nodes.Take(Killed))
        {
            // While the schema is made, and a little later.
            await Task.Delay(900, Cancellation);
            await node.KillAsync();
        }

        await Task.WhenAll(starts.Skip(Killed));
        await Task.WhenAll(starts.Take(Killed).Select(start => start.ContinueWith(_ => { }, TaskScheduler.Default)));
        TestContext.Current.TestOutputHelper?.WriteLine($"{Silos - Killed} silos ready after {(caller.Now - started).TotalSeconds:f1} s, {Killed} killed on the way");

        var published = await Task.WhenAll(nodes.Skip(Killed).Select(node => caller.TryGetAsync(node, "/.well-known/jwks.json")));
        Assert.NotNull(published[0]);
        Assert.Single(published.Distinct());
        foreach (var node in nodes.Skip(Killed))
        {
            await caller.TokenAsync(node, client);
        }

        Assert.Equal("2|1|1|1", await postgres.RunSqlAsync(
            database,
            "select (select count(*) from signing_key), (select count(*) from pepper), (select count(*) from key_ring), (select count(*) from generation_floor)",
            Cancellation));
        Assert.Equal("0", await postgres.RunSqlAsync(
            database, "select count(*) from (select script_name from schema_version group by script_name having count(*) > 1) twice", Cancellation));
    }

    private static async Task<PostgresServer> StartPostgresAsync()
    {
        PostgresServer.Need();
        return await PostgresServer.StartAsync(fsync: false, Cancellation, "max_connections=300");
    }
}
