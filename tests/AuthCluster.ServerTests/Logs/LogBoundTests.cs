using System.Diagnostics;
using System.Globalization;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Logs;

/// <summary>Bursts of lines: the log is bounded where strangers cause them, and what it leaves out is counted.</summary>
[Collection(Alone.Name)]
public sealed class LogBoundTests
{
    /// <summary>More lines than the server queues for its console, which are 2,500.</summary>
    private const int Requests = 3_500;

    private static readonly TestClient Client = TestClient.New("orders");
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_line_is_written_or_counted_as_dropped()
    {
        await using var server = new InProcessServer
        {
            ["Logging:LogLevel:AuthCluster.Issuance"] = "Debug",
            // An operator's own queue settings must not make the server drop a line without counting it.
            ["Logging:Console:QueueFullMode"] = "DropWrite",
            ["Logging:Console:MaxQueueLength"] = "1",
        };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancellation }, async (_, _) =>
            Expect.Granted(await caller.PostAsync(Client)));
        var dropped = (await caller.Http.GetStringAsync("/metrics", Cancellation)).Split('\n')
            .Where(line => line.StartsWith("authcluster_log_dropped", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
        Assert.Equal(0, await server.StopAsync(Cancellation));

        var written = server.Output.Split('\n').Count(line => line.Contains("Token issued to client orders", StringComparison.Ordinal));
        Assert.True(written + dropped >= Requests, $"of {Requests} lines {written} were written and {dropped} counted as dropped");
    }

    [Fact]
    public async Task A_flood_of_refusals_leaves_a_bounded_number_of_lines_and_says_how_many_it_left_out()
    {
        await using var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        var start = Stopwatch.GetTimestamp();

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancellation }, async (_, _) =>
            await caller.PostAsync(Client with { Secret = "wrong" }));
        await caller.PostAsync(Client, "&scope=not-registered");

        await Eventually.HoldsAsync("the log says what it left out", Soon, () => server.Output.Contains("within a second are left out here", StringComparison.Ordinal), Cancellation);
        // Its own bound: the flood of strangers did not hide it.
        await Eventually.HoldsAsync("the client's own refusal is there", Soon, () => server.Output.Contains("ScopeNotAllowed", StringComparison.Ordinal), Cancellation);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Assert.InRange(server.Output.Split('\n').Count(line => line.Contains("WrongSecret", StringComparison.Ordinal)), 1, (int)((seconds + 2) * 100));
    }
}
