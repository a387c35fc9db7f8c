using System.Globalization;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>Counts a server's token requests by outcome, at its <c>/metrics</c>. One for each server.</summary>
/// <remarks>
/// The endpoint may repeat an answer of a moment ago. So each reading first sends a request whose outcome no other request has,
/// and reads until that request is counted: every earlier request is then counted too.
/// </remarks>
public sealed class TokenCounter(Uri server) : IDisposable
{
    private const string Mark = "invalid_request";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly TokenEndpointCaller _caller = new(server);
    private int _marks;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>How many requests ended with <paramref name="outcome"/> since the server was started: the sum of all lines of the metric.</summary>
    public async Task<int> CountAsync(string outcome)
    {
        Assert.Equal(Mark, (await _caller.SendAsync("grant_type=")).Error);
        _marks++;
        var text = "";
        await Eventually.HoldsAsync("the mark is counted", Deadline, async () => Of(text = await _caller.Http.GetStringAsync("/metrics", Cancellation), Mark) >= _marks, Cancellation);
        return Of(text, outcome);
    }

    /// <summary>To call after a restart of the server, which then counts from 0.</summary>
    public void Restarted() => _marks = 0;

    /// <inheritdoc/>
    public void Dispose() => _caller.Dispose();

    private static int Of(string text, string outcome) => text.Split('\n')
        .Where(line => line.StartsWith("authcluster_token_requests_total{", StringComparison.Ordinal) && line.Contains($"outcome=\"{outcome}\"", StringComparison.Ordinal))
        .Sum(line => int.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
}
