using System.Diagnostics;
using System.Globalization;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Limits;

/// <summary>Requests with ids that nobody registered take a bounded time and leave nothing behind.</summary>
[Collection(Alone.Name)]
public sealed class UnknownIdFloodTests(ITestOutputHelper output)
{
    /// <summary>Many callers, because the server delays each refusal by some milliseconds on purpose.</summary>
    private const int Callers = 256;

    private const int Ids = 20_000;

    /// <summary>Memory held for each id grows in every flood; a pool that grows once does not.</summary>
    private const int Floods = 3;

    /// <summary>Far below the 44 MB of one forgotten activation for each id (2,200 bytes and more) and the 10 MB of one cache entry (500 bytes).</summary>
    private const long MayStay = 4L * 1024 * 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Twenty_thousand_unknown_ids_are_refused_in_bounded_time_and_leave_no_memory_taken()
    {
        var client = TestClient.New("orders");
        await using var server = new InProcessServer { ["Logging:LogLevel:Default"] = "Warning" };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(client.Document()));
        await server.StartAsync(Cancellation);

        // The first flood fills every pool and every bounded cache.
        await FloodAsync(server, "a", Ids, Cancellation);
        var least = long.MaxValue;
        for (var flood = 0; flood < Floods && least >= MayStay; flood++)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var start = Stopwatch.GetTimestamp();
            await FloodAsync(server, $"b{flood}-", Ids, Cancellation);
            var took = Stopwatch.GetElapsedTime(start);
            var after = GC.GetTotalMemory(forceFullCollection: true);
            output.WriteLine($"{Ids} unknown ids in {took.TotalSeconds:f1} s; {before >> 10} KiB held before, {after >> 10} KiB after");
            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(60));
            least = Math.Min(least, after - before);
        }

        Assert.True(least < MayStay, $"at least {least >> 10} KiB more after each {Ids} unknown ids");
        using var caller = new TokenEndpointCaller(server.Address);
        Expect.Granted(await caller.PostAsync(client));
    }

    [Fact]
    public async Task A_registered_but_cold_client_gets_its_token_in_the_middle_of_a_flood()
    {
        var clients = TestClient.Many("cold", 50);
        await using var server = new InProcessServer { ["Logging:LogLevel:Default"] = "Warning" };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(clients.Select(client => client.Document())));
        await server.StartAsync(Cancellation);
        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);

        using var done = new CancellationTokenSource();
        var flood = FloodAsync(server, "f", int.MaxValue, done.Token);
        using var caller = new TokenEndpointCaller(server.Address);
        foreach (var client in clients)
        {
            Expect.Granted(await caller.PostAsync(client));
        }

        Assert.False(flood.IsCompleted);
        await done.CancelAsync();
        await flood;
    }

    /// <summary>Asks for that many ids, or until it is told that this is enough.</summary>
    private static async Task FloodAsync(InProcessServer server, string prefix, int ids, CancellationToken enough)
    {
        var next = -1;
        var secret = GeneratedSecret.New();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            using var connection = await RawConnection.OpenAsync(server.Address);
            for (var id = Interlocked.Increment(ref next); id < ids && !enough.IsCancellationRequested; id = Interlocked.Increment(ref next))
            {
                var number = id.ToString(CultureInfo.InvariantCulture);
                await connection.WriteAsync(RawConnection.TokenRequest($"grant_type=client_credentials&client_id={prefix}{number}&client_secret={secret}"));
                Assert.Equal(401, (await connection.ReadAnswerAsync()).Status);
            }
        }));
    }
}
