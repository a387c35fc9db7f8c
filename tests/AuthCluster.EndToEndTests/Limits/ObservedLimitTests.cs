using System.Globalization;
using System.Text.RegularExpressions;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Limits;

/// <summary>Limits that only observe: they refuse nothing, and headers, log and metrics show what they would have refused.</summary>
/// <remarks>Metrics count for a whole process, so these tests need a server process.</remarks>
[Collection(OnSharedServer.Name)]
public sealed partial class ObservedLimitTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task A_limit_that_only_observes_shows_its_headers_and_refuses_nothing()
    {
        for (var i = 0; i < 8; i++)
        {
            var answer = await _caller.PostAsync(PreparedClients.LimitObserved);

            Expect.Granted(answer);
            Assert.Equal(Math.Max(0, 4 - i), Remaining(answer));
        }

        await IsSeenAsync("limit-observed", "rate limit", "rate");
    }

    [Fact]
    public async Task A_quota_that_only_observes_refuses_nothing()
    {
        for (var i = 0; i < 5; i++)
        {
            var answer = await _caller.PostAsync(PreparedClients.QuotaObserved);

            Expect.Granted(answer);
            Assert.Equal(Math.Max(0, 2 - i), Remaining(answer));
        }

        await IsSeenAsync("quota-observed", "quota", "quota");
    }

    public void Dispose() => _caller.Dispose();

    /// <summary>Waits until the log and the metrics show that the limit was exceeded.</summary>
    private async Task IsSeenAsync(string client, string limit, string tag)
    {
        await Eventually.HoldsAsync(
            "the log tells that the limit was exceeded",
            TimeSpan.FromSeconds(10),
            () => server.Output.Split('\n').Any(line => line.Contains($"Client {client} got a token", StringComparison.Ordinal) && line.Contains($"over its {limit}", StringComparison.Ordinal)),
            TestContext.Current.CancellationToken);
        // The server renders the page a few times a second, not for each request.
        await Eventually.HoldsAsync(
            "the metrics count it",
            TimeSpan.FromSeconds(10),
            async () => (await _caller.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n').Any(line =>
                line.StartsWith("authcluster_limit_observed_total{", StringComparison.Ordinal) && line.Contains($"limit=\"{tag}\"", StringComparison.Ordinal)),
            TestContext.Current.CancellationToken);
    }

    private static int Remaining(TokenAnswer answer)
    {
        var match = RateLimit().Match(answer.Header("RateLimit") ?? "");
        Assert.True(match.Success, $"RateLimit: {answer.Header("RateLimit")}");
        return int.Parse(match.Groups["remaining"].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("""\A"[a-z-]+";r=(?<remaining>\d+)(;t=\d+)?\z""")]
    private static partial Regex RateLimit();
}
