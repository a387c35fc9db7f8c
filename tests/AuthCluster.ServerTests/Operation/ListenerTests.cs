using System.Text.Json;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Operation;

/// <summary>Which listener answers what, and below which path.</summary>
[Collection(Alone.Name)]
public sealed class ListenerTests
{
    private static readonly TestClient Client = new("orders", GeneratedSecret.New());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_a_management_listener_the_public_one_has_no_operator_pages_in_any_spelling()
    {
        var management = new Uri($"http://localhost:{FreePorts.Take()}");
        await using var server = Server();
        server["AuthCluster:Http:ManagementUrls"] = management.ToString();
        await server.StartAsync(Cancellation);

        Assert.Contains("authcluster_token_requests", await MetricsAfterATokenAsync(server, management), StringComparison.Ordinal);
        foreach (var path in (string[])["/metrics", "/METRICS", "/metrics/", "/%6detrics", "/./metrics", "//metrics", "/x/../metrics", "/admin/v1/clients", "/ADMIN/v1/clients", "/admin/v1/nothing", "/dashboard", "/openapi/v1.json"])
        {
            foreach (var method in (string[])["GET", "DELETE"])
            {
                var answer = await RawConnection.ExchangeAsync(server.Address, $"{method} {path} HTTP/1.1\r\nHost: localhost:{management.Port}\r\n\r\n");
                Assert.True(answer.Status == 404, $"{method} {path}: {answer.Status}");
                Assert.Equal("", answer.Body);
            }
        }
    }

    [Fact]
    public async Task An_issuer_with_a_path_has_its_endpoints_below_it_and_its_metadata_where_the_RFC_puts_it()
    {
        await using var server = Server();
        var issuer = $"http://localhost:{server.Port}/auth/tenant";
        server["AuthCluster:Issuer"] = issuer;
        await server.StartAsync(Cancellation);
        using var http = new HttpClient { BaseAddress = server.Address };

        var metadata = JsonElement.Parse(await http.GetStringAsync("/.well-known/oauth-authorization-server/auth/tenant", Cancellation));

        Assert.Equal(issuer, metadata.GetProperty("issuer").GetString());
        Assert.Equal(issuer + "/oauth/token", metadata.GetProperty("token_endpoint").GetString());
        foreach (var endpoint in (string[])[issuer + "/oauth/token", $"http://localhost:{server.Port}/oauth/token"])
        {
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = Client.Id, ["client_secret"] = Client.Secret });
            using var response = await http.PostAsync(endpoint, form, Cancellation);
            var answer = await TokenAnswer.ReadAsync(response, Cancellation);
            Expect.Granted(answer);
            Assert.Equal(issuer, answer.Claims.GetProperty("iss").GetString());
        }

        Assert.Equal(
            await http.GetStringAsync("/.well-known/jwks.json", Cancellation),
            await http.GetStringAsync(metadata.GetProperty("jwks_uri").GetString(), Cancellation));
    }

    [Fact]
    public async Task The_server_can_listen_on_every_IPv4_address_and_one_IPv6_address_with_the_same_port()
    {
        await using var server = Server();
        server["ASPNETCORE_URLS"] = $"http://0.0.0.0:{server.Port};http://[::1]:{server.Port}";
        await server.StartAsync(Cancellation);

        foreach (var host in (string[])["127.0.0.1", "[::1]"])
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://{host}:{server.Port}") };
            Assert.Equal("live", await http.GetStringAsync("/health/live", Cancellation));
        }
    }

    private static async Task<string> MetricsAfterATokenAsync(InProcessServer server, Uri management)
    {
        using var caller = new TokenEndpointCaller(server.Address);
        Expect.Granted(await caller.PostAsync(Client));
        using var http = new HttpClient { BaseAddress = management };
        return await http.GetStringAsync("/metrics", Cancellation);
    }

    private static InProcessServer Server()
    {
        var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(Client)));
        return server;
    }
}
