using System.Text.Json.Nodes;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary>A quota while the server is killed again and again.</summary>
public sealed class KillUnderLoadTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Kills_under_load_never_let_a_quota_be_exceeded()
    {
        const int Tokens = 2_000;
        const int Kills = 4;
        var client = new TestClient("counted", GeneratedSecret.New());
        await using var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(client, new()
        {
            ["quota"] = new JsonObject { ["tokens"] = Tokens, ["per"] = "month" },
        })));
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
