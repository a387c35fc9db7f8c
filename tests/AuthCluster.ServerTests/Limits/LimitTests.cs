using System.Globalization;
using System.Text.RegularExpressions;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Limits;

/// <summary>Rate limits and quotas as a caller sees them: 429, <c>Retry-After</c>, and the fields of the IETF's RateLimit draft.</summary>
public sealed partial class LimitTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task The_burst_is_spent_one_token_at_a_time_and_then_the_caller_is_told_when_to_come_back()
    {
        List<int> remaining = [];
        for (var i = 0; i < 5; i++)
        {
            var granted = await _caller.PostAsync(PreparedClients.Limited);
            Expect.Granted(granted);
            remaining.Add(Remaining(granted));
        }

        var refused = await _caller.PostAsync(PreparedClients.Limited);

        Assert.Equal([4, 3, 2, 1, 0], remaining);
        Expect.Refused(429, "slow_down", refused);
        Assert.Equal(0, Remaining(refused));
        Assert.InRange(RetryAfter(refused), 1, 100);
        Assert.Matches(Policy(), refused.Header("RateLimit-Policy"));
        Assert.Contains("q=5", refused.Header("RateLimit-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_an_issued_token_spends_and_other_refusals_come_first_even_with_an_empty_bucket()
    {
        var client = PreparedClients.LimitedToo;
        var wrong = client with { Secret = GeneratedSecret.New() };
        for (var i = 0; i < 10; i++)
        {
            Expect.Refused(401, "invalid_client", await _caller.PostAsync(wrong));
            Expect.Refused(400, "invalid_scope", await _caller.PostAsync(client, "&scope=write"));
            Expect.Refused(400, "invalid_target", await _caller.PostAsync(client, "&audience=unknown"));
        }

        for (var i = 0; i < 5; i++)
        {
            Expect.Granted(await _caller.PostAsync(client));
        }

        Expect.Refused(429, "slow_down", await _caller.PostAsync(client));
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(wrong));
        Expect.Refused(400, "invalid_scope", await _caller.PostAsync(client, "&scope=write"));
        Expect.Refused(400, "invalid_target", await _caller.PostAsync(client, "&audience=unknown"));
    }

    [Fact]
    public async Task A_quota_is_exact_and_tells_when_the_next_month_begins()
    {
        for (var i = 0; i < 3; i++)
        {
            var granted = await _caller.PostAsync(PreparedClients.Quota);
            Expect.Granted(granted);
            Assert.Equal(2 - i, Remaining(granted));
        }

        var refused = await _caller.PostAsync(PreparedClients.Quota);

        Expect.Refused(429, "slow_down", refused);
        var now = DateTimeOffset.UtcNow;
        var nextMonth = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
        Assert.InRange(RetryAfter(refused), (nextMonth - now).TotalSeconds - 60, (nextMonth - now).TotalSeconds + 60);
    }

    [Fact]
    public async Task A_client_without_limits_sees_no_limit_headers()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual);

        Assert.Null(answer.Header("RateLimit"));
        Assert.Null(answer.Header("RateLimit-Policy"));
        Assert.Null(answer.Header("Retry-After"));
    }

    private static int Remaining(TokenAnswer answer)
    {
        var match = RateLimit().Match(answer.Header("RateLimit") ?? "");
        Assert.True(match.Success, $"RateLimit: {answer.Header("RateLimit")}");
        return int.Parse(match.Groups["remaining"].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static int RetryAfter(TokenAnswer answer) => int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture);

    [GeneratedRegex("""\A"[a-z-]+";r=(?<remaining>\d+)(;t=\d+)?\z""")]
    private static partial Regex RateLimit();

    [GeneratedRegex("""\A"[a-z-]+";q=\d+(;w=\d+)?\z""")]
    private static partial Regex Policy();

    public void Dispose() => _caller.Dispose();
}
