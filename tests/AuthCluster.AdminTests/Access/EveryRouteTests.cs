using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.Web;
using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.AdminTests.Access;

/// <summary>Who may call what (RFC 6750 section 3): every route, by every kind of token.</summary>
[Collection(OnAdminServer.Name)]
public sealed class EveryRouteTests(AdminServer server)
{
    /// <summary>Every route. A new one fails <see cref="The_list_of_routes_is_the_servers_own"/> until it is listed here.</summary>
    internal static readonly string[] Routes =
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
        "POST /admin/v1/cluster/silos/{address}/ended",
    ];

    [Fact]
    public void The_list_of_routes_is_the_servers_own()
    {
        var app = AdminAlone.Build();
        app.MapAuthClusterWeb();

        var admin = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/admin", StringComparison.OrdinalIgnoreCase)).ToList();

        Assert.All(admin, endpoint => Assert.NotNull(endpoint.Metadata.GetMetadata<ManagementEndpoint>()));
        Assert.Equal(
            Routes.Order(StringComparer.Ordinal),
            admin.SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                .Select(method => $"{method} {endpoint.RoutePattern.RawText}")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task No_route_lets_a_caller_in_without_a_token()
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
    public async Task A_token_for_another_audience_is_invalid()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("for-others", new JsonObject { ["scopes"] = new JsonArray("read"), ["audiences"] = new JsonArray("inventory") });

        await OnEveryRouteAsync(await server.TokenAsync(client), InvalidToken);
    }

    [Fact]
    public async Task A_disabled_admins_token_is_invalid()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("disabled-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin") });
        var token = await server.TokenAsync(client);
        Assert.Equal(200, (await admin.PostAsync("/clients/disabled-admin/disable")).Status);

        await OnEveryRouteAsync(token, InvalidToken);
    }

    [Fact]
    public async Task A_token_issued_before_its_client_lost_the_admin_scope_is_invalid()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("demoted-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin", "authcluster:read") });
        var token = await server.TokenAsync(client);
        Assert.Equal(200, (await admin.PatchAsync("/clients/demoted-admin", """{ "scopes": ["authcluster:read"] }""")).Status);

        await OnEveryRouteAsync(token, InvalidToken);

        Assert.Equal(200, (await (await server.CallerAsync(client)).GetAsync("/clients?limit=1")).Status);
    }

    [Fact]
    public async Task A_token_of_a_revoked_generation_is_invalid_and_the_next_one_is_good()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("revoked-admin", new JsonObject { ["scopes"] = new JsonArray("authcluster:admin") });
        var token = await server.TokenAsync(client);
        Assert.Equal(204, (await admin.PostAsync("/clients/revoked-admin/revoke-tokens")).Status);

        await OnEveryRouteAsync(token, InvalidToken);

        Assert.Equal(200, (await (await server.CallerAsync(client)).GetAsync("/clients?limit=1")).Status);
    }

    [Fact]
    public async Task Only_a_caller_with_the_scope_is_told_that_a_path_or_its_method_does_not_exist()
    {
        foreach (var (method, path, status) in ((string, string, int)[])[("GET", "/nothing", 404), ("POST", "/clients/a/nothing", 404), ("DELETE", "/clients", 405), ("PUT", "/audit", 405)])
        {
            Task<Answer> AskAsync(string? token) => new AdminCaller(server.Http, token).SendAsync(new HttpMethod(method), path);

            (await AskAsync(null)).Refused(401);
            (await AskAsync("not.a.token")).Refused(401);
            (await AskAsync(await server.TokenAsync(AdminServer.Plain))).Refused(403);
            (await AskAsync(await server.TokenAsync(AdminServer.Admin))).Refused(status);
        }

        var admin = await server.TokenAsync(AdminServer.Admin);
        Assert.Equal("GET, POST", RawExchange.Header((await SendAsync("DELETE", admin)).Head, "Allow"));
        Assert.Null(RawExchange.Header((await SendAsync("DELETE", "none")).Head, "Allow"));

        Task<(int Status, string Head, string Body)> SendAsync(string method, string token) => RawExchange.SendAsync(
            server.Installation.Address, $"{method} /admin/v1/clients HTTP/1.1", $"Authorization: Bearer {token}", "Connection: close");
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json")]
    [InlineData("application/merge-patch+json")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("text/plain")]
    public async Task The_body_of_a_stranger_is_not_read(string mediaType)
    {
        string[] tokens = ["none", await server.TokenAsync(AdminServer.Plain), await server.TokenAsync(AdminServer.Reader)];
        foreach (var route in Routes.Where(route => !route.StartsWith("GET", StringComparison.Ordinal)))
        {
            foreach (var token in tokens)
            {
                // A server that begins to read a body asks for it first, by 100 Continue.
                var answer = await RawExchange.SendAsync(
                    server.Installation.Address,
                    $"{Filled(route)} HTTP/1.1",
                    $"Authorization: Bearer {token}", $"Content-Type: {mediaType}", "Content-Length: 200000", "Expect: 100-continue", "Connection: close");

                Assert.True(answer.Status is 401 or 403, $"{route}: {answer.Status}");
            }
        }
    }

    [Fact]
    public async Task A_method_in_lower_case_is_another_method()
    {
        var token = await server.TokenAsync(AdminServer.Admin);
        foreach (var route in Routes)
        {
            var parts = route.Split(' ');
            var path = Filled(parts[1]);

            var answer = await RawExchange.SendAsync(
                server.Installation.Address, $"{parts[0].ToLowerInvariant()} {path} HTTP/1.1", $"Authorization: Bearer {token}", "Content-Length: 0", "Connection: close");

            Assert.Equal(405, answer.Status);
            Assert.Contains(parts[0], RawExchange.Header(answer.Head, "Allow"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_changed_token_is_invalid()
    {
        var token = await server.TokenAsync(AdminServer.Admin);

        await OnEveryRouteAsync(token[..^4] + (token.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"), InvalidToken);
        await OnEveryRouteAsync("not.a.token", InvalidToken);
    }

    [Theory]
    [InlineData("Basic YWRtaW46eA==", 401)]
    [InlineData("Bearer", 401)]
    public async Task Another_scheme_or_Bearer_without_a_token_counts_as_no_token(string authorization, int status)
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

    [Theory]
    [InlineData("POST", "/clients")]
    [InlineData("GET", "/clients")]
    [InlineData("DELETE", "/clients/nobody")]
    [InlineData("BREW", "/clients")]
    public async Task A_form_that_cannot_be_read_is_a_bad_request_because_a_token_may_be_in_it(string method, string path)
    {
        var token = await server.TokenAsync(AdminServer.Admin);
        foreach (var (form, encoding) in ((byte[], string?)[])
            [
                (Encoding.Unicode.GetBytes($"access_token={token}"), null),
                (Encoding.UTF8.GetBytes($"a=ä&access_token={token}"), null),
                (Gzip($"access_token={token}"), "gzip"),
                ([.. Enumerable.Repeat((byte)'a', 300_000)], null),
            ])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/admin/v1" + path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Content = new ByteArrayContent(form);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
            if (encoding is not null)
            {
                request.Content.Headers.ContentEncoding.Add(encoding);
            }

            using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
            var answer = await Answer.ReadAsync(response);

            answer.Refused(400);
            Assert.Contains("error=\"invalid_request\"", answer.Challenge, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Json_with_line_breaks_that_is_sent_as_a_form_is_refused_with_the_right_media_type()
    {
        var admin = await server.CallerAsync(AdminServer.Admin);

        var answer = await admin.SendAsync(HttpMethod.Post, "/clients", "{\r\n\t\"name\": \"a\"\n}\n", "application/x-www-form-urlencoded");

        answer.Refused(415);
        Assert.Contains("application/json", answer.Body, StringComparison.Ordinal);
    }

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.ASCII.GetBytes(text));
        }

        return packed.ToArray();
    }

    /// <summary>A route with names of nothing in the places of its parameters.</summary>
    internal static string Filled(string route) => route
        .Replace("{id}", "nobody", StringComparison.Ordinal)
        .Replace("{secretId}", "none", StringComparison.Ordinal)
        .Replace("{address}", "none", StringComparison.Ordinal);

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
            var path = Filled(parts[1]["/admin/v1".Length..]);
            check(await caller.SendAsync(new HttpMethod(parts[0]), path), route);
        }
    }
}
