using System.Diagnostics;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Access;

/// <summary>A flood of calls to the admin API by those who may not call it.</summary>
public sealed class StrangerFloodTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const int Calls = 6_000;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Strangers_leave_a_bounded_number_of_lines_and_hide_no_refusal_of_a_client()
    {
        HttpMethod[] methods = [HttpMethod.Get, HttpMethod.Post];
        var plain = await server.CallerAsync(AdminServer.Plain);
        var stranger = new AdminCaller(server.Http, "no-token-of-ours");
        var before = server.Installation.Output.Length;
        var start = Stopwatch.GetTimestamp();

        await Parallel.ForAsync(0, Calls, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (i, _) =>
            Assert.Equal(401, (await stranger.SendAsync(methods[i % 2], "/clients")).Status));
        foreach (var method in methods)
        {
            Assert.Equal(403, (await plain.SendAsync(method, "/clients")).Status);
        }

        await Eventually.HoldsAsync("the client's own refusals are there, by its id", Soon, () => LinesOf("by plain", "answered 403") == 2, Cancellation);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Assert.InRange(LinesOf("answered 401"), 1, (int)((seconds + 2) * 100));

        int LinesOf(params string[] parts) => server.Installation.Output[before..].Split('\n').Count(line => parts.All(part => line.Contains(part, StringComparison.Ordinal)));
    }
}
