using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;
using NSwag;

namespace AuthCluster.AdminTests.OpenApi;

/// <summary>The description at <c>/openapi/v1.json</c> is complete enough to generate a client that compiles and works.</summary>
[Collection(OnAdminServer.Name)]
public sealed class GeneratedClientTests(AdminServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_generated_client_does_every_call_of_the_description()
    {
        const string Id = "by/generated-client";
        var description = await DescriptionAsync();
        using var http = new HttpClient { BaseAddress = server.Installation.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await server.TokenAsync(AdminServer.Admin));
        var client = new GeneratedClient(description, http);

        var document = client.Make("NewClientBody", ("ClientId", Id), ("Scopes", new List<string> { "read" }));
        document.RateLimit = GeneratedClient.MakeMember(document, "RateLimit");
        document.RateLimit.TokensPerSecond = 5d;
        var created = await client.CallAsync("createClient", ("Idempotency-Key", "generated-client-key"), ("body", document));
        Assert.Equal(200, (await server.TryTokenAsync(new TestClient((string)created!.ClientId, (string)created.Secret))).Status);
        var page = await client.CallAsync("listClients", ("search", "by/gen"), ("limit", 10));
        Assert.Equal(Id, (string)Enumerable.Single(page!.Items).ClientId);
        Assert.Equal(Id, (string)(await client.CallAsync("getClient", ("id", Id)))!.Name);
        Assert.Equal("Put", (string)(await client.CallAsync("replaceClient", ("id", Id), ("If-Match", "*"), ("body", client.Make("ClientDocumentBody", ("Name", "Put"), ("Scopes", new List<string> { "read" })))))!.Name);
        var faster = client.Make("ClientPatchBody");
        faster["rateLimit"] = new Dictionary<string, object> { ["tokensPerSecond"] = 7d };
        Assert.Equal(7d, (double)(await client.CallAsync("patchClient", ("id", Id), ("body", faster)))!.RateLimit.TokensPerSecond);
        var none = client.Make("ClientPatchBody");
        none["rateLimit"] = null!;
        var unlimited = await client.CallAsync("patchClient", ("id", Id), ("body", none));
        Assert.Null((object?)unlimited!.RateLimit);
        Assert.Equal("Put", (string)unlimited.Name);
        Assert.False((bool)(await client.CallAsync("disableClient", ("id", Id)))!.Enabled);
        Assert.True((bool)(await client.CallAsync("enableClient", ("id", Id)))!.Enabled);
        await client.CallAsync("revokeClientTokens", ("id", Id));
        var secret = (string)(await client.CallAsync("addSecret", ("id", Id), ("body", client.Make("NewSecretBody", ("Label", "second")))))!.SecretId;
        Assert.Equal(2, (int)Enumerable.Count((await client.CallAsync("listSecrets", ("id", Id)))!.Items));
        Assert.Equal("second", (string)(await client.CallAsync("getSecret", ("id", Id), ("secretId", secret)))!.Label);
        await client.CallAsync("revokeSecret", ("id", Id), ("secretId", secret), ("force", false));
        Assert.Equal(Id, (string)(await client.CallAsync("getClientUsage", ("id", Id), ("from", DateTimeOffset.UtcNow.AddHours(-2))))!.ClientId);
        await client.CallAsync("getUnusedReport", ("days", 1), ("limit", 1));
        await client.CallAsync("getExpiringReport", ("days", 1));
        await client.CallAsync("getUsageReport", ("to", DateTimeOffset.UtcNow), ("limit", 1));
        Assert.NotEmpty((await client.CallAsync("describeCluster"))!.Silos);
        Assert.Equal(404, await client.RefusedAsync("vouchSiloEnded", ("address", "127.0.0.1:1@1")));
        await client.CallAsync("deleteClient", ("id", Id));
        Assert.Equal(10, (int)Enumerable.Count((await client.CallAsync("listAudit", ("client", Id), ("limit", 20)))!.Items));
        await client.CallAsync("revokeAllTokens");

        Assert.Equal(
            description.Operations.Select(operation => operation.Operation.OperationId).Order(StringComparer.Ordinal),
            client.Called.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_description_names_no_server_but_its_own_and_is_the_same_for_everybody()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json") { Headers = { Host = "attacker.example" } };
        using var answer = await server.Http.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);

        Assert.DoesNotContain("attacker", text, StringComparison.Ordinal);
        Assert.Equal("/", Assert.Single(JsonNode.Parse(text)!["servers"]!.AsArray())!["url"]!.GetValue<string>());
        Assert.Equal(text, await server.Http.GetStringAsync("/openapi/v1.json", Cancellation));
    }

    [Theory]
    [InlineData("""{ "rateLimit": null, "quota": null }""", true)]
    [InlineData("""{ "rateLimit": { "burst": null }, "quota": { "per": "day" } }""", true)]
    [InlineData("""{ "metadata": { "owner": null }, "claims": { "x": null, "y": { "z": 1 } }, "name": null, "scopes": null }""", true)]
    [InlineData("[]", false)]
    [InlineData("null", false)]
    public async Task The_schema_of_a_patch_allows_what_a_patch_may_do(string patch, bool good)
    {
        var schema = (await DescriptionAsync()).Components.Schemas["ClientPatchBody"];

        var problems = schema.Validate(patch, NJsonSchema.SchemaType.OpenApi3);

        Assert.True(good == (problems.Count == 0), string.Join('\n', problems));
    }

    [Fact]
    public async Task Every_answer_has_the_headers_that_its_description_promises_and_no_other()
    {
        const string Id = "described-headers";
        var admin = await server.CallerAsync();
        var description = JsonNode.Parse(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation))!;
        string[] described = ["ETag", "Location", "Retry-After", "WWW-Authenticate", "Accept", "Accept-Patch"];
        var created = await admin.PostAsync("/clients", $$"""{ "clientId": "{{Id}}" }""");
        var etag = ("If-None-Match", created.ETag!);
        var secretId = created.Json["secretId"]!.GetValue<string>();
        var anybody = new AdminCaller(server.Http, null);

        Check("/clients", "post", created);
        Check("/clients", "post", await admin.SendAsync(HttpMethod.Post, "/clients", "{}", "text/plain"));
        Check("/clients", "get", await anybody.GetAsync("/clients"));
        Check("/clients/{id}", "get", await admin.GetAsync($"/clients/{Id}"));
        Check("/clients/{id}", "get", await admin.SendAsync(HttpMethod.Get, $"/clients/{Id}", null, null, etag));
        Check("/clients/{id}", "put", await admin.PutAsync($"/clients/{Id}", "{}", "*"));
        Check("/clients/{id}", "patch", await admin.SendAsync(HttpMethod.Patch, $"/clients/{Id}", "{}", "text/plain"));
        Check("/clients/{id}", "patch", await admin.PatchAsync($"/clients/{Id}", "{}"));
        Check("/clients/{id}/disable", "post", await admin.PostAsync($"/clients/{Id}/disable"));
        Check("/clients/{id}/enable", "post", await admin.PostAsync($"/clients/{Id}/enable"));
        Check("/clients/{id}/secrets", "post", await admin.PostAsync($"/clients/{Id}/secrets"));
        Check("/clients/{id}/secrets", "get", await admin.GetAsync($"/clients/{Id}/secrets"));
        Check("/clients/{id}/secrets/{secretId}", "get", await admin.GetAsync($"/clients/{Id}/secrets/{secretId}"));
        Check("/clients/{id}/usage", "get", await admin.GetAsync($"/clients/{Id}/usage"));

        var statuses = description["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).ToList();
        Assert.All(statuses, operation => Assert.NotNull(operation.Value!["responses"]!["503"]!["headers"]!["Retry-After"]));
        Assert.All(statuses, operation => Assert.Equal(operation.Value!["requestBody"] is not null, operation.Value!["responses"]!["408"] is not null));

        void Check(string path, string method, Answer answer)
        {
            var promised = description["paths"]!["/admin/v1" + path]![method]!["responses"]![$"{answer.Status}"];
            Assert.True(promised is not null, $"{method} {path}: {answer.Status} is not described");
            Assert.Equal(
                (promised["headers"]?.AsObject() ?? []).Select(header => header.Key).Intersect(described).Order(StringComparer.Ordinal),
                described.Where(name => answer.Header(name) is not null).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Every_change_is_described_with_a_202_that_has_the_same_body_and_says_that_it_does_not_hold_everywhere()
    {
        var description = JsonNode.Parse(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation))!;
        var calls = description["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).ToList();

        Assert.All(calls, call =>
        {
            var answers = call.Value!["responses"]!;
            var isChange = call.Key != "get" && call.Value["operationId"]!.GetValue<string>() != "vouchSiloEnded";
            Assert.Equal(isChange, answers["202"] is not null);
            if (isChange)
            {
                var everywhere = answers["200"] ?? answers["201"] ?? answers["204"]!;
                Assert.True(JsonNode.DeepEquals(everywhere["content"], answers["202"]!["content"]));
                Assert.Equal(
                    [.. everywhere["headers"]?.AsObject().Select(header => header.Key) ?? [], "Holds-Everywhere", "Retry-After"],
                    answers["202"]!["headers"]!.AsObject().Select(header => header.Key));
            }
        });
    }

    [Fact]
    public async Task A_member_that_an_answer_may_omit_is_not_required()
    {
        var description = await DescriptionAsync();

        var secret = description.Components.Schemas["SecretBody"];

        Assert.Equal(["createdAt", "kind", "secretId"], secret.RequiredProperties.Order(StringComparer.Ordinal));
        Assert.All(
            description.Components.Schemas.Values.SelectMany(schema => schema.RequiredProperties.Select(name => schema.Properties[name])),
            property => Assert.False(property.IsNullable(NJsonSchema.SchemaType.OpenApi3), property.Name));
    }

    [Fact]
    public async Task A_GET_needs_one_of_two_scopes_and_every_other_call_needs_the_admin_scope()
    {
        var description = JsonNode.Parse(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation))!;

        Assert.Equal(["authcluster:admin"], Scopes(description));
        foreach (var (method, operation) in description["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()))
        {
            Assert.Equal(method == "get" ? ["authcluster:read", "authcluster:admin"] : (string[])[], Scopes(operation!));
        }

        // Each entry of the list is enough by itself.
        static IEnumerable<string> Scopes(JsonNode node) =>
            (node["security"]?.AsArray() ?? []).Select(needs => Assert.Single(needs!["oauth2"]!.AsArray())!.GetValue<string>());
    }

    [Fact]
    public async Task The_reader_page_calls_nobody_but_the_server()
    {
        var page = await server.Http.GetStringAsync("/openapi/reader/", Cancellation);

        Assert.Contains("<title>AuthCluster admin API</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
        Assert.Contains("\"showDeveloperTools\":\"never\"", page, StringComparison.Ordinal);
        Assert.Contains("\"telemetry\":false", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("\"disabled\":true").Length - 1);
        Assert.Equal(200, (int)(await server.Http.GetAsync("/openapi/reader/scalar.js", Cancellation)).StatusCode);
    }

    private async Task<OpenApiDocument> DescriptionAsync() =>
        await OpenApiDocument.FromJsonAsync(await server.Http.GetStringAsync("/openapi/v1.json", Cancellation), Cancellation);
}
