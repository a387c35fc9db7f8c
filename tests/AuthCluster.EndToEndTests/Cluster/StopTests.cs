using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Cluster;

/// <summary>SIGTERM: readiness falls first, tokens flow while the load balancer notices, then the process ends well.</summary>
[Collection(Alone.Name)]
public sealed class StopTests
{
    private static readonly TestClient Client = new("orders", GeneratedSecret.New());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stopping_server_is_not_ready_at_once_serves_requests_for_the_delay_and_exits_with_0()
    {
        await using var server = new ServerProcess { ["AuthCluster:Http:DrainDelay"] = "00:00:03" };
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        await server.BeginStopAsync();
        await Eventually.HoldsAsync("readiness has fallen", TimeSpan.FromSeconds(2), async () => (int)(await caller.Http.GetAsync("/health/ready", Cancellation)).StatusCode == 503, Cancellation);

        Assert.Equal(200, (int)(await caller.Http.GetAsync("/health/live", Cancellation)).StatusCode);
        Expect.Granted(await caller.PostAsync(Client));
        Assert.Equal(0, await server.ExitAsync(Cancellation));
    }
}
