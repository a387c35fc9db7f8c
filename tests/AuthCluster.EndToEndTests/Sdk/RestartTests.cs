using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>The server stops while callers and APIs run, and starts again. These tests have a server of their own.</summary>
public sealed class RestartTests(SdkServer server) : IClassFixture<SdkServer>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_that_is_due_is_served_while_the_server_is_down_and_renewed_when_it_is_back()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Caller, clock);
        var first = await application.TokenAsync();

        await server.Process.KillAsync();
        clock.Advance(TimeSpan.FromMinutes(56));
        for (var call = 0; call < 100; call++)
        {
            Assert.Same(first, await application.TokenAsync());
        }

        await server.Process.StartAsync(Cancellation);
        await Eventually.HoldsAsync("the token is renewed", Deadline, async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(0.5));
            return (await application.TokenAsync()).Value != first.Value;
        }, Cancellation);
        Assert.True(clock.GetUtcNow() < first.ExpiresAt);
    }

    [Fact]
    public async Task A_restart_of_the_server_fails_no_call_of_a_caller_or_an_API()
    {
        await using var api = await GuardedApi.StartAsync(server.Issuer);
        await using var application = new SdkApplication(server.Issuer, SdkServer.Caller, api: api.Address);
        Assert.Equal(200, await application.CallAsync());
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var statuses = new List<int>();
        var calling = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                statuses.Add(await application.CallAsync());
                await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
            }
        }, Cancellation);

        await server.Process.StopAsync(Cancellation);
        await server.Process.StartAsync(Cancellation);
        // The API has to resume the feed at its last cursor.
        var token = (await application.TokenAsync()).Value;
        using (var caller = new OAuthCaller(server.Process.Address))
        {
            Assert.Equal(200, (await caller.RevokeAsync(SdkServer.Caller, token)).Status);
        }

        await Eventually.HoldsAsync("the API hears of revocations again", Deadline, async () => await api.StatusAsync(token) == 401, Cancellation);
        await done.CancelAsync();
        await calling;

        Assert.All(statuses, status => Assert.Equal(200, status));
        Assert.True(statuses.Count > 20, $"{statuses.Count} calls");
    }
}
