using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>The samples that are services: the two that call each other, and the resource servers in .NET and in Node.</summary>
[Collection(WithSamples.Name)]
public sealed class ServiceTests(SamplesServer server) : IDisposable
{
    private readonly HttpClient _http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Orders_and_Inventory_call_each_other_until_nothing_is_left()
    {
        var (ordersAt, inventoryAt) = (SamplesServer.NewAddress(), SamplesServer.NewAddress());
        await using var inventory = await server.StartServiceAsync(
            "dotnet-microservices/Inventory", "Inventory", inventoryAt, new TestClient("inventory", "only-for-samples-inventory"), ("Orders", ordersAt.ToString()));
        await using var orders = await server.StartServiceAsync(
            "dotnet-microservices/Orders", "Orders", ordersAt, new TestClient("orders", "only-for-samples-orders"), ("Inventory", inventoryAt.ToString()));
        var token = await server.TokenAsync(SamplesServer.Shop);

        var answers = new List<(int Status, string Body, string Challenge)>();
        for (var order = 0; order < 4; order++)
        {
            answers.Add(await SendAsync(HttpMethod.Post, new Uri(ordersAt, "/orders/lamp"), token));
        }

        Assert.Equal([200, 200, 200, 409], answers.Select(answer => answer.Status));
        Assert.Equal(3, JsonElement.Parse(answers[2].Body).GetProperty("ordered").GetInt32());
        // A service's token is for one API: the shop's token is not for Inventory, and the worker's token is not for Orders.
        Assert.Equal(401, (await SendAsync(HttpMethod.Get, new Uri(inventoryAt, "/stock/lamp"), token)).Status);
        Assert.Equal(401, (await SendAsync(HttpMethod.Post, new Uri(ordersAt, "/orders/lamp"), await server.TokenAsync(SamplesServer.Worker))).Status);
    }

    [Fact]
    public async Task Orders_answers_503_while_Inventory_is_away()
    {
        var address = SamplesServer.NewAddress();
        await using var orders = await server.StartServiceAsync(
            "dotnet-microservices/Orders", "Orders", address, new TestClient("orders", "only-for-samples-orders"), ("Inventory", SamplesServer.NewAddress().ToString()));

        var answer = await SendAsync(HttpMethod.Post, new Uri(address, "/orders/lamp"), await server.TokenAsync(SamplesServer.Shop));

        Assert.Equal(503, answer.Status);
        Assert.DoesNotContain("   at ", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".NET")]
    [InlineData("Node")]
    public async Task A_resource_server_accepts_its_own_tokens_and_refuses_others(string kind)
    {
        await using var node = kind == "Node" ? await StartNodeAsync() : null;
        var resources = new Uri(node?.Address ?? server.Api, "/resources");
        var token = await server.TokenAsync(SamplesServer.Worker);

        var good = await SendAsync(HttpMethod.Get, resources, token);
        var none = await SendAsync(HttpMethod.Get, resources, null);
        var changed = await SendAsync(HttpMethod.Get, resources, token[..^8] + "AAAAAAAA");
        var foreign = await SendAsync(HttpMethod.Get, resources, await server.TokenAsync(SamplesServer.Shop));
        var lacking = await SendAsync(HttpMethod.Get, resources, await server.TokenAsync(SamplesServer.Worker, "&scope=write"));

        Assert.Equal((200, """["Resource 1","Resource 2","Resource 3"]"""), (good.Status, good.Body));
        Assert.Equal((401, "Bearer"), (none.Status, none.Challenge));
        Assert.Equal(401, changed.Status);
        Assert.Contains("error=\"invalid_token\"", changed.Challenge, StringComparison.Ordinal);
        Assert.Equal(401, foreign.Status);
        Assert.Contains("error=\"invalid_token\"", foreign.Challenge, StringComparison.Ordinal);
        Assert.Equal((403, "Bearer error=\"insufficient_scope\", scope=\"read\""), (lacking.Status, lacking.Challenge));
    }

    [Fact]
    public async Task The_Node_caller_is_served_by_the_Node_resource_server()
    {
        await using var api = await StartNodeAsync();

        var result = await server.RunAsync(SamplesServer.Worker, "node", "node", ["call-api.js"], ("API_URL", api.Address.ToString().TrimEnd('/')));

        Assert.EndsWith("10 calls, 1 token request", result.OutputOrThrow().TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_NET_resource_server_refuses_a_token_within_a_second_of_its_revocation()
    {
        var resources = new Uri(server.Api, "/resources");
        using var caller = new OAuthCaller(server.Address);
        var token = await server.TokenAsync(SamplesServer.Worker);
        Assert.Equal(200, (await SendAsync(HttpMethod.Get, resources, token)).Status);

        Assert.Equal(200, (await caller.RevokeAsync(SamplesServer.Worker, token)).Status);
        var revoked = Stopwatch.GetTimestamp();
        await Eventually.HoldsAsync("the API refuses the token", TimeSpan.FromSeconds(10), async () => (await SendAsync(HttpMethod.Get, resources, token)).Status == 401, Cancellation);

        Assert.InRange(Stopwatch.GetElapsedTime(revoked), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    public void Dispose() => _http.Dispose();

    private async Task<RunningProgram> StartNodeAsync()
    {
        await CallerTests.NeedNodeAsync();
        var address = new Uri($"http://127.0.0.1:{FreePorts.Take()}");
        var start = new ProcessStartInfo("node", ["resource-server.mjs"]) { WorkingDirectory = SamplesServer.Folder("node") };
        start.Environment["AUTH_ISSUER"] = server.Issuer;
        start.Environment["PORT"] = $"{address.Port}";
        // Debian's Node 18 has Web Crypto only with this flag; later versions accept the flag and don't need it.
        start.Environment["NODE_OPTIONS"] = "--experimental-global-webcrypto";
        return await RunningProgram.StartAsync(start, address, Cancellation);
    }

    private async Task<(int Status, string Body, string Challenge)> SendAsync(HttpMethod method, Uri address, string? token)
    {
        using var request = new HttpRequestMessage(method, address);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var answer = await _http.SendAsync(request, Cancellation);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation), answer.Headers.WwwAuthenticate.ToString());
    }
}
