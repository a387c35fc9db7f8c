using AuthCluster.EndToEndTests.Peers;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary><c>kill -9</c> and a restart on the same data: everything that the server acknowledged is still there.</summary>
public sealed class KillTests(KilledServer server) : IClassFixture<KilledServer>, IDisposable
{
    private readonly TokenEndpointCaller _tokens = new(server.Address);
    private readonly OAuthCaller _caller = new(server.Address);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_kill_changes_no_key_and_no_client_and_ends_no_issued_token()
    {
        Assert.Equal(server.Keys, await _tokens.Http.GetStringAsync("/.well-known/jwks.json", Cancellation));
        var after = await _tokens.PostAsync(KilledServer.Client);
        Expect.Granted(after);
        Expect.Granted(await _tokens.PostAsync(KilledServer.Chosen));
        Assert.Equal(server.Kept.Claims.GetProperty("gen").GetInt64(), after.Claims.GetProperty("gen").GetInt64());
        await using var api = await StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), server.Issuer);
        foreach (var token in (string[])[server.Kept.Token, after.Token])
        {
            using var http = new HttpClient { BaseAddress = api.Address };
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            Assert.Equal(200, (int)(await http.GetAsync("/", Cancellation)).StatusCode);
        }
    }

    [Fact]
    public async Task A_limited_client_gets_no_second_burst_from_a_kill() =>
        // The kill lost the bucket's level, so the bucket starts empty.
        Expect.Refused(429, "slow_down", await _tokens.PostAsync(KilledServer.Limited));

    [Fact]
    public async Task A_revocation_outlives_a_kill_and_a_restart()
    {
        Assert.False(await _caller.IsActiveAsync(KilledServer.Client, server.Revoked.Token));
        Assert.True(await _caller.IsActiveAsync(KilledServer.Client, server.Kept.Token));
        Assert.Single((await _caller.FeedToEndAsync(KilledServer.Reader, server.Cursor)).Items);
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _caller.Dispose();
    }
}
