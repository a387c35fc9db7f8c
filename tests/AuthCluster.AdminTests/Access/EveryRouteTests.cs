using System.Reflection;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web;
using AuthCluster.Web.Admin;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.AdminTests.Access;

/// <summary>Who may call what (RFC 6750 section 3): every route, by every kind of token.</summary>
[Collection(OnAdminServer.Name)]
public sealed class EveryRouteTests(AdminServer server)
{
    /// <summary>Every route. A new one fails <see cref="The_list_of_routes_is_the_servers_own"/> until it stands here.</summary>
    private static readonly string[] Routes =
    [
        "POST /admin/v1/clients",
        "GET /admin/v1/clients",
        "GET /admin/v1/clients/{id}",
        "PUT /admin/v1/clients/{id}",
        "PATCH /admin/v1/clients/{id}",
        "DELETE /admin/v1/clients/{id}",
        "POST /admin/v1/clients/{id}/disable",
        "POST /admin/v1/clients/{id}/enable",
        "POST /admin/v1/clients/{id}/revoke-tokens",
        "POST /admin/v1/clients/{id}/secrets",
        "GET /admin/v1/clients/{id}/secrets",
        "GET /admin/v1/clients/{id}/secrets/{secretId}",
        "DELETE /admin/v1/clients/{id}/secrets/{secretId}",
        "GET /admin/v1/clients/{id}/usage",
        "GET /admin/v1/reports/unused",
        "GET /admin/v1/reports/expiring",
        "GET /admin/v1/reports/usage",
        "GET /admin/v1/audit",
        "POST /admin/v1/revoke-tokens",
        "GET /admin/v1/cluster",
    ];

    [Fact]
    public void The_list_of_routes_is_the_servers_own()
    {
        var builder = WebApplication.CreateSlimBuilder();
        Assert.True(IssuerUri.TryParse("http://localhost:8080", out var issuer, out _));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(CallBound.ForSilo);
        builder.Services.AddSingleton(DispatchProxy.Create<IGrainFactory, NobodyAnswers>());
        builder.Services.AddAuthClusterWeb(issuer, new KeyRing(new byte[32]));
        builder.Services.AddAuthClusterAdmin(new AdminDefaults(3_600));
        var app = builder.Build();
        app.MapAuthClusterWeb();
        app.MapAuthClusterAdmin();

        var admin = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/admin", StringComparison.OrdinalIgnoreCase)).ToList();

        Assert.All(admin, endpoint => Assert.NotNull(endpoint.Metadata.GetMetadata<ManagementEndpoint>()));
        Assert.Equal(
            Routes.Order(StringComparer.Ordinal),
            admin.SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                .Select(method => $"{method} {endpoint.RoutePattern.RawText}")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nobody_comes_in_without_a_token()
    {
        await OnEveryRouteAsync(null, (answer, _) =>
        {
            answer.Refused(401);
            Assert.Equal("Bearer realm=\"authcluster\"", answer.Challenge);
        });
    }

    [Fact]
    public async Task A_plain_clients_token_lacks_the_scope()
    {
        await OnEveryRouteAsync(await server.TokenAsync(AdminServer.Plain), (answer, _) =>
        {
            answer.Refused(403);
            Assert.Contains("error=\"insufficient_scope\"", answer.Challenge, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_read_token_reads_and_changes_nothing()
    {
        await OnEveryRouteAsync(await server.TokenAsync(AdminServer.Reader), (answer, route) =>
        {
            if (route.StartsWith("GET", StringComparison.Ordinal))
            {
                Assert.True(answer.Status is 200 or 404, answer.ToString());
            }
            else
            {
                answer.Refused(403);
                Assert.Contains("scope=\"authcluster:admin\"", answer.Challenge, StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public async Task A_token_for_another_audience_is_none()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("for-others", new JsonObject { ["scopes"] = new JsonArray("read"), ["audiences"] = new JsonArray("inventory") });

        await OnEveryRouteAsync(await server.TokenAsync(client), InvalidToken);
    }

    [Fact]
    public async Task A_disabled_admins_token_is_none()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("disabled-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin") });
        var token = await server.TokenAsync(client);
        Assert.Equal(200, (await admin.PostAsync("/clients/disabled-admin/disable")).Status);

        await OnEveryRouteAsync(token, InvalidToken);
    }

    [Fact]
    public async Task Who_was_an_administrator_is_none_with_a_token_from_then()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("demoted-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin", "authcluster:read") });
        var token = await server.TokenAsync(client);
        Assert.Equal(200, (await admin.PatchAsync("/clients/demoted-admin", """{ "scopes": ["authcluster:read"] }""")).Status);

        await OnEveryRouteAsync(token, InvalidToken);

        Assert.Equal(200, (await (await server.CallerAsync(client)).GetAsync("/clients?limit=1")).Status);
    }

    [Fact]
    public async Task A_token_of_a_revoked_generation_is_none_and_the_next_one_is_good()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("revoked-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin") });
        var token = await server.TokenAsync(client);
        Assert.Equal(204, (await admin.PostAsync("/clients/revoked-admin/revoke-tokens")).Status);

        await OnEveryRouteAsync(token, InvalidToken);

        Assert.Equal(200, (await (await server.CallerAsync(client)).GetAsync("/clients?limit=1")).Status);
    }

    [Fact]
    public async Task A_path_that_is_none_and_a_method_that_a_path_has_not_are_problems_too()
    {
        var admin = await server.CallerAsync();

        (await admin.GetAsync("/nothing")).Refused(404);
        (await admin.DeleteAsync("/clients")).Refused(405);
    }

    [Fact]
    public async Task A_changed_token_is_none()
    {
        var token = await server.TokenAsync(AdminServer.Admin);

        await OnEveryRouteAsync(token[..^4] + (token.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"), InvalidToken);
        await OnEveryRouteAsync("not.a.token", InvalidToken);
    }

    [Theory]
    [InlineData("Basic YWRtaW46eA==", 401)]
    [InlineData("Bearer", 401)]
    public async Task Another_scheme_is_as_no_token(string authorization, int status)
    {
        var caller = new AdminCaller(server.Http, null);

        var answer = await caller.SendAsync(HttpMethod.Get, "/clients", null, null, ("Authorization", authorization));

        answer.Refused(status);
        Assert.Equal("Bearer realm=\"authcluster\"", answer.Challenge);
    }

    [Fact]
    public async Task A_token_in_two_places_is_a_bad_request()
    {
        var token = await server.TokenAsync(AdminServer.Admin);
        var caller = new AdminCaller(server.Http, token);

        (await caller.GetAsync($"/clients?access_token={token}")).Refused(400);
        (await caller.SendAsync(HttpMethod.Post, "/clients", $"access_token={token}", "application/x-www-form-urlencoded")).Refused(400);
        (await caller.SendAsync(HttpMethod.Post, "/clients", "a=b", "application/x-www-form-urlencoded")).Refused(415);
        (await new AdminCaller(server.Http, null).GetAsync($"/clients?access_token={token}")).Refused(401);
    }

    private static void InvalidToken(Answer answer, string route)
    {
        answer.Refused(401);
        Assert.Contains("error=\"invalid_token\"", answer.Challenge, StringComparison.Ordinal);
    }

    private async Task OnEveryRouteAsync(string? token, Action<Answer, string> check)
    {
        var caller = new AdminCaller(server.Http, token);
        foreach (var route in Routes)
        {
            var parts = route.Split(' ');
            var path = parts[1]["/admin/v1".Length..].Replace("{id}", "nobody", StringComparison.Ordinal).Replace("{secretId}", "none", StringComparison.Ordinal);
            check(await caller.SendAsync(new HttpMethod(parts[0]), path), route);
        }
    }

#pragma warning disable CA1852 // A dispatch proxy derives from it.
    private class NobodyAnswers : DispatchProxy
#pragma warning restore CA1852
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new NotSupportedException();
    }
}
