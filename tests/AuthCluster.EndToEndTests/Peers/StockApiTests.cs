using System.Net.Http.Headers;
using System.Text.Json;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>A token of this server at an API that uses ASP.NET's JwtBearer and knows the metadata URL alone.</summary>
[Collection(OnSharedServer.Name)]
public sealed class StockApiTests(SharedServer server)
{
    [Theory]
    [InlineData("/.well-known/oauth-authorization-server")]
    [InlineData("/.well-known/openid-configuration")]
    public async Task A_token_for_this_API_is_accepted(string metadata)
    {
        await using var api = await StockApi.StartAsync(new Uri(server.Address, metadata), "inventory");
        var answer = await server.TokenAsync(PreparedClients.WithAudiences);

        var (status, body) = await CallAsync(api, answer.Token);

        Assert.Equal(200, status);
        Assert.Equal("with-audiences", JsonElement.Parse(body).GetProperty("caller").GetString());
    }

    [Fact]
    public async Task A_token_for_another_API_is_refused()
    {
        await using var api = await StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), "inventory");
        var answer = await server.TokenAsync(PreparedClients.WithAudiences, "&audience=https://one.example/api");

        Assert.Equal(401, (await CallAsync(api, answer.Token)).Status);
    }

    [Fact]
    public async Task A_changed_token_is_refused()
    {
        await using var api = await StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), "inventory");
        var parts = (await server.TokenAsync(PreparedClients.WithAudiences)).Token.Split('.');
        var claims = (await server.TokenAsync(PreparedClients.WithAudiences)).Token.Split('.')[1];

        Assert.Equal(401, (await CallAsync(api, $"{parts[0]}.{claims}.{parts[2]}")).Status);
        Assert.Equal(401, (await CallAsync(api, "nonsense")).Status);
    }

    private static async Task<(int Status, string Body)> CallAsync(StockApi api, string token)
    {
        using var http = new HttpClient { BaseAddress = api.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync("/api/resource", TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
