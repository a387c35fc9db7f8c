using AuthCluster.EndToEndTests.Peers;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Operation;

/// <summary>What a process takes from its command line, its environment and its settings.</summary>
public sealed class ProcessSettingsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly TestClient Client = new("orders", GeneratedSecret.New());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_server_runs_from_any_working_directory_and_takes_settings_from_the_command_line()
    {
        await using var server = Server();
        server["AuthCluster:Tokens:Lifetime"] = "00:10:00";
        await server.StartAsync(Cancellation, "--AuthCluster:Tokens:Lifetime=00:05:00");
        using var caller = new TokenEndpointCaller(server.Address);

        Assert.InRange((await caller.PostAsync(Client)).Json.GetProperty("expires_in").GetInt32(), 299, 300);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task An_API_that_knows_only_the_metadata_accepts_tokens_signed_by_RSA(string algorithm)
    {
        await using var server = Server();
        server["AuthCluster:Tokens:Algorithm"] = algorithm;
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        await using var api = await StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), $"http://localhost:{server.Port}");

        var answer = await caller.PostAsync(Client);

        Assert.Equal(algorithm, answer.TokenHeader.GetProperty("alg").GetString());
        using var http = new HttpClient { BaseAddress = api.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", answer.Token);
        Assert.Equal(200, (int)(await http.GetAsync("/", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task No_environment_variable_of_the_framework_makes_the_server_trust_forwarded_headers()
    {
        await using var own = new ServerProcess { ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true" };
        await own.StartAsync(Cancellation);

        var answer = await RawConnection.ExchangeAsync(own.Address, RawConnection.TokenRequest("grant_type=client_credentials&client_id=someone&client_secret=wrong", "X-Forwarded-For: 203.0.113.9"));

        Assert.Equal(401, answer.Status);
        await Eventually.HoldsAsync("the refusal is in the log", Soon, () => own.Output.Contains("UnknownClient", StringComparison.Ordinal), Cancellation);
        Assert.DoesNotContain("203.0.113.9", own.Output, StringComparison.Ordinal);
    }

    private static ServerProcess Server()
    {
        var server = new ServerProcess();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        return server;
    }
}
