using AuthCluster.ServerKit;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Operation;

/// <summary>What a clean stop loses: no accepted request, and no token that a client has spent.</summary>
public sealed class StopTests
{
    private static readonly TestClient Client = new("orders", GeneratedSecret.New());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_that_the_server_accepted_is_lost_in_a_stop()
    {
        await using var server = Server(drainDelay: "00:00:01");
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        var draining = true;
        var callers = Enumerable.Range(0, 8).Select(async _ =>
        {
            var granted = 0;
            while (Volatile.Read(ref draining))
            {
                Expect.Granted(await caller.PostAsync(Client));
                granted++;
            }

            return granted;
        }).ToList();

        await server.BeginStopAsync();
        // Callers stop when the load balancer sees 503, which is before the listener closes.
        await Eventually.HoldsAsync("readiness has fallen", TimeSpan.FromSeconds(1), async () => (int)(await caller.Http.GetAsync("/health/ready", Cancellation)).StatusCode == 503, Cancellation);
        Volatile.Write(ref draining, false);

        Assert.All(await Task.WhenAll(callers), granted => Assert.True(granted > 0));
        Assert.Equal(0, await server.ExitAsync(Cancellation));
    }

    [Fact]
    public async Task A_bucket_that_was_spent_before_a_clean_stop_is_still_spent_after_it()
    {
        var client = new TestClient("limited", GeneratedSecret.New());
        await using var server = Server("00:00:00", ClientDocument.For(client, new()
        {
            ["rateLimit"] = new System.Text.Json.Nodes.JsonObject { ["tokensPerSecond"] = 0.01, ["burst"] = 10 },
        }));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        for (var i = 0; i < 4; i++)
        {
            Expect.Granted(await caller.PostAsync(client));
        }

        await server.StopAsync(Cancellation);
        await server.StartAsync(Cancellation);

        for (var i = 0; i < 6; i++)
        {
            Expect.Granted(await caller.PostAsync(client));
        }

        Expect.Refused(429, "slow_down", await caller.PostAsync(client));
    }

    private static InProcessServer Server(string drainDelay, params System.Text.Json.Nodes.JsonObject[] clients)
    {
        var server = new InProcessServer { ["AuthCluster:Http:DrainDelay"] = drainDelay };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File([ClientDocument.For(Client), .. clients]));
        return server;
    }
}
