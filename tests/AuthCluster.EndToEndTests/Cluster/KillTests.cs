using AuthCluster.EndToEndTests.Peers;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary><c>kill -9</c> and a restart on the same data: everything that the server acknowledged is still there.</summary>
public sealed class KillTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_kill_changes_no_key_and_no_client_and_ends_no_issued_token()
    {
        var client = new TestClient("orders", GeneratedSecret.New());
        var chosen = new TestClient("chosen", "a chosen secret, not generated");
        await using var server = With(ClientDocument.For(client), ClientDocument.For(chosen));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        var keys = await caller.Http.GetStringAsync("/.well-known/jwks.json", Cancellation);
        var before = await caller.PostAsync(client);
        Expect.Granted(before);
        Expect.Granted(await caller.PostAsync(chosen));

        await server.KillAsync();
        await server.StartAsync(Cancellation);

        Assert.Equal(keys, await caller.Http.GetStringAsync("/.well-known/jwks.json", Cancellation));
        var after = await caller.PostAsync(client);
        Expect.Granted(after);
        Expect.Granted(await caller.PostAsync(chosen));
        Assert.Equal(before.Claims.GetProperty("gen").GetInt64(), after.Claims.GetProperty("gen").GetInt64());
        await using var api = await StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), $"http://localhost:{server.Port}");
        foreach (var token in (string[])[before.Token, after.Token])
        {
            using var http = new HttpClient { BaseAddress = api.Address };
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            Assert.Equal(200, (int)(await http.GetAsync("/", Cancellation)).StatusCode);
        }
    }

    [Fact]
    public async Task Kills_under_load_never_let_a_quota_be_exceeded()
    {
        const int Tokens = 2_000;
        const int Kills = 4;
        var client = new TestClient("counted", GeneratedSecret.New());
        await using var server = With(ClientDocument.For(client, new()
        {
            ["quota"] = new System.Text.Json.Nodes.JsonObject { ["tokens"] = Tokens, ["per"] = "month" },
        }));
        var issued = 0;

        for (var kill = 0; kill < Kills; kill++)
        {
            await server.StartAsync(Cancellation);
            var aim = issued + 150;
            await LoadUntilAsync(server, client, () => Interlocked.Increment(ref issued), () => Volatile.Read(ref issued) >= aim, server.KillAsync);
        }

        await server.StartAsync(Cancellation);
        var refused = 0;
        await LoadUntilAsync(server, client, () => Interlocked.Increment(ref issued), () => Volatile.Read(ref refused) > 0, () => Task.CompletedTask, () => Interlocked.Increment(ref refused));

        // Each kill may lose the permits that were reserved and not yet spent, 5 % of the quota; no permit may be spent twice.
        Assert.InRange(issued, Tokens - (Kills * Tokens / 20), Tokens);
    }

    [Fact]
    public async Task A_first_start_that_is_killed_at_any_moment_is_completed_by_the_next()
    {
        var client = new TestClient("orders", GeneratedSecret.New());
        foreach (var milliseconds in (int[])[200, 500, 800, 1_200, 1_700, 2_500])
        {
            await using var server = With(ClientDocument.For(client));
            var ended = server.RunToExitAsync(Cancellation);
            await Task.WhenAny(ended, Task.Delay(milliseconds, Cancellation));
            await server.KillAsync();
            await ended;

            await server.StartAsync(Cancellation);

            using var caller = new TokenEndpointCaller(server.Address);
            Expect.Granted(await caller.PostAsync(client));
        }
    }

    [Fact]
    public async Task A_limited_client_gets_no_second_burst_from_a_kill()
    {
        var client = new TestClient("limited", GeneratedSecret.New());
        await using var server = With(ClientDocument.For(client, new()
        {
            ["rateLimit"] = new System.Text.Json.Nodes.JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 20 },
        }));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        for (var i = 0; i < 15; i++)
        {
            Expect.Granted(await caller.PostAsync(client));
        }

        await server.KillAsync();
        await server.StartAsync(Cancellation);

        // The kill lost the bucket's level, so the bucket starts empty.
        Expect.Refused(429, "slow_down", await caller.PostAsync(client));
    }

    [Fact]
    public async Task A_revocation_outlives_a_kill_and_a_restart()
    {
        await using var own = new ServerProcess();
        var client = new TestClient("orders", GeneratedSecret.New());
        var reader = new TestClient("reader", GeneratedSecret.New());
        own["AuthCluster:Bootstrap:ClientsFile"] = own.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(client),
            ClientDocument.For(reader, new() { ["introspects"] = new System.Text.Json.Nodes.JsonArray("any") })));
        await own.StartAsync(Cancellation);
        using var tokens = new TokenEndpointCaller(own.Address);
        using var caller = new OAuthCaller(own.Address);
        var revoked = (await tokens.PostAsync(client)).Token;
        var kept = (await tokens.PostAsync(client)).Token;
        var (_, cursor) = await caller.FeedToEndAsync(reader);
        Assert.Equal(200, (await caller.RevokeAsync(client, revoked)).Status);

        await own.KillAsync();
        await own.StartAsync(Cancellation);

        Assert.False(await caller.IsActiveAsync(client, revoked));
        Assert.True(await caller.IsActiveAsync(client, kept));
        Assert.Single((await caller.FeedToEndAsync(reader, cursor)).Items);
    }

    private static ServerProcess With(params System.Text.Json.Nodes.JsonObject[] clients)
    {
        var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(clients));
        return server;
    }

    /// <summary>Eight callers ask for tokens at once until <paramref name="enough"/>; then <paramref name="end"/>, while they still ask.</summary>
    private static async Task LoadUntilAsync(ServerProcess server, TestClient client, Action issued, Func<bool> enough, Func<Task> end, Action? refused = null)
    {
        using var caller = new TokenEndpointCaller(server.Address);
        var ended = false;
        var callers = Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!Volatile.Read(ref ended))
            {
                try
                {
                    var answer = await caller.PostAsync(client);
                    if (answer.Status == 200)
                    {
                        issued();
                    }
                    else
                    {
                        Expect.Refused(429, "slow_down", answer);
                        refused?.Invoke();
                    }
                }
                catch (HttpRequestException)
                {
                    // The server was killed under this request. Its token, if there was one, reached nobody.
                }
            }
        }).ToList();

        await Eventually.HoldsAsync("the load has got its tokens", TimeSpan.FromSeconds(60), enough, Cancellation);
        await end();
        Volatile.Write(ref ended, true);
        await Task.WhenAll(callers);
    }
}
