using System.Diagnostics;
using System.Globalization;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary>Requests with ids that nobody registered take a bounded time and leave nothing behind.</summary>
[Collection(Alone.Name)]
public sealed class UnknownIdFloodTests(ITestOutputHelper output)
{
    /// <summary>Many callers, because the server delays each refusal by some milliseconds on purpose.</summary>
    private const int Callers = 256;

    private const int Ids = 100_000;

    /// <summary>
    /// Memory held for each id grows in every flood; memory that the collector or an allocator keeps for later grows in one flood at most.
    /// </summary>
    private const int Floods = 3;

    /// <summary>
    /// Far below the 220 MB of one forgotten activation for each id (2,200 bytes and more) and the 50 MB of one cache entry (500 bytes).
    /// </summary>
    private const long MayStay = 32L * 1024 * 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_thousand_unknown_ids_are_refused_in_bounded_time_and_leave_no_memory_taken()
    {
        var client = new TestClient("orders", GeneratedSecret.New());
        await using var server = new ServerProcess
        {
            // The process gives free memory back at once, so that the test measures what the server holds and not what the collector keeps for later.
            ["DOTNET_GCConserveMemory"] = "9",
            ["DOTNET_GCgen0size"] = "0x1000000",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(client)));
        await server.StartAsync(Cancellation);

        // The first flood fills every pool and every bounded cache.
        await FloodAsync(server, "a", Ids / 4);
        var least = long.MaxValue;
        for (var flood = 0; flood < Floods && least >= MayStay; flood++)
        {
            var before = server.ResidentBytes();
            var start = Stopwatch.GetTimestamp();
            await FloodAsync(server, $"b{flood}-", Ids);
            var took = Stopwatch.GetElapsedTime(start);
            var after = server.ResidentBytes();
            output.WriteLine($"{Ids} unknown ids in {took.TotalSeconds:f1} s; resident {before >> 20} MiB before, {after >> 20} MiB after");
            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(120));
            least = Math.Min(least, after - before);
        }

        Assert.True(least < MayStay, $"at least {least >> 20} MiB more after each {Ids} unknown ids");
        using var caller = new TokenEndpointCaller(server.Address);
        Expect.Granted(await caller.PostAsync(client));
    }

    [Fact]
    public async Task A_registered_but_cold_client_gets_its_token_in_the_middle_of_a_flood()
    {
        var clients = Enumerable.Range(0, 50).Select(i => new TestClient($"cold-{i}", GeneratedSecret.New())).ToList();
        await using var server = new ServerProcess { ["Logging:LogLevel:Default"] = "Warning" };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(clients.Select(client => ClientDocument.For(client))));
        await server.StartAsync(Cancellation);
        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);

        var flood = FloodAsync(server, "f", 30_000);
        using var caller = new TokenEndpointCaller(server.Address);
        foreach (var client in clients)
        {
            Expect.Granted(await caller.PostAsync(client));
        }

        await flood;
    }

    private static async Task FloodAsync(ServerProcess server, string prefix, int ids)
    {
        var next = -1;
        var secret = GeneratedSecret.New();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            using var connection = await RawConnection.OpenAsync(server.Address);
            for (var id = Interlocked.Increment(ref next); id < ids; id = Interlocked.Increment(ref next))
            {
                var number = id.ToString(CultureInfo.InvariantCulture);
                await connection.WriteAsync(RawConnection.TokenRequest($"grant_type=client_credentials&client_id={prefix}{number}&client_secret={secret}"));
                Assert.Equal(401, (await connection.ReadAnswerAsync()).Status);
            }
        }));
    }
}
