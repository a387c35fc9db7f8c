using System.Globalization;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Access;

/// <summary>
/// Each route of the admin API with each odd request: it says what is wrong, does nothing, and never answers 500 or more than was asked for.
/// </summary>
[Collection(OnAdminServer.Name)]
public sealed class OddRequestTests(AdminServer server)
{
    private const string Present = "/clients/odd%2Fone";

    public static TheoryData<string> Routes => [.. EveryRouteTests.Routes];

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_parameter_that_the_call_does_not_know_is_refused_by_name(string route)
    {
        var admin = await PreparedAsync();
        foreach (var (query, field) in ((string, string)[])
            [
                ("scop=x", "scop"), ("Limit=1", "Limit"), ("LIMIT=1", "LIMIT"), ("limit%20=1", "limit "), ("x", "x"), ("=1", "(unprintable)"),
                ("%E2%80%AE=1", "(unprintable)"), ("dryrun=true", "dryrun"), ("a[]=1", "a[]"), (new string('n', 1_000) + "=1", new string('n', 64) + "…"),
            ])
        {
            var answer = await AskAsync(admin, route, "?" + query);

            answer.Refused(400);
            Assert.Equal([field], answer.Fields);
        }

        var many = await AskAsync(admin, route, "?" + string.Join('&', Enumerable.Range(0, 900).Select(i => i.ToString(CultureInfo.InvariantCulture))));
        many.Refused(400);
        Assert.Equal(50, many.Fields.Count);
        await NothingWasDoneAsync(admin);
    }

    [Theory]
    [InlineData("/clients", "search", "owner", "after", "limit")]
    [InlineData("/audit", "client", "after", "limit")]
    [InlineData("/reports/unused", "days", "after", "limit")]
    [InlineData("/reports/expiring", "days", "after", "limit")]
    [InlineData("/reports/usage", "from", "to", "order", "limit")]
    [InlineData(Present + "/usage", "from", "to", "bucket")]
    public async Task A_parameter_that_is_given_twice_or_in_another_case_is_refused_by_name(string path, params string[] parameters)
    {
        var admin = await PreparedAsync();
        foreach (var parameter in parameters)
        {
            var twice = await admin.GetAsync($"{path}?{parameter}=1&{parameter}=1");
            var upper = await admin.GetAsync($"{path}?{parameter.ToUpperInvariant()}=1");

            twice.Refused(400);
            Assert.Contains(parameter, twice.Fields);
            upper.Refused(400);
            Assert.Equal([parameter.ToUpperInvariant()], upper.Fields);
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_body_that_no_call_takes_is_refused_and_changes_nothing(string route)
    {
        var admin = await PreparedAsync();
        foreach (var (body, mediaType) in ((string, string)[])
            [
                ("""{ "nmae": "x" }""", "application/json"), ("[]", "application/json"), ("null", "application/json"), ("{", "application/json"), ("\"x\"", "application/json"), ("1e999", "application/json"),
                ("""{ "nmae": "x" }""", "application/merge-patch+json"), ("[]", "application/merge-patch+json"),
                ("""{ "scopes": "read", "label": 1, "expiresAt": true }""", "application/json"), ("{ \"name\": \"\\ud800\" }", "application/json"),
                ("a=b", "application/x-www-form-urlencoded"), ("{}", "text/plain"), ("{}", "application/jsonp"), ("<x/>", "application/xml"),
            ])
        {
            if (!TakesBody(route))
            {
                continue;
            }

            var answer = await admin.SendAsync(MethodOf(route), PathOf(route), body, mediaType, ("If-Match", "*"));

            Assert.True(answer.Status is 400 or 412 or 415, $"{route} with {mediaType} {body}: {answer}");
            answer.Refused(answer.Status);
        }

        await NothingWasDoneAsync(admin);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_method_that_a_path_does_not_have_is_refused_with_the_methods_that_it_has(string route)
    {
        var admin = await PreparedAsync();
        var token = await server.TokenAsync(AdminServer.Admin);
        var path = "/admin/v1" + PathOf(route);
        var has = EveryRouteTests.Routes.Where(other => other.Split(' ')[1] == route.Split(' ')[1]).Select(other => other.Split(' ')[0]).Order(StringComparer.Ordinal).ToList();
        foreach (var method in ((string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "Get", "get"]).Except(has))
        {
            var answer = await RawExchange.SendAsync(
                server.Installation.Address, $"{method} {path} HTTP/1.1", $"Authorization: Bearer {token}", "Content-Length: 0", "Connection: close");

            Assert.True(answer.Status == 405, $"{method} {path}: {answer.Status}");
            Assert.Equal(has, RawExchange.Header(answer.Head, "Allow")!.Split(", ").Order(StringComparer.Ordinal));
        }

        await NothingWasDoneAsync(admin);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_path_that_does_not_spell_an_existing_id_exactly_finds_no_client(string route)
    {
        if (!route.Contains("{id}", StringComparison.Ordinal))
        {
            return;
        }

        var admin = await PreparedAsync();
        foreach (var id in (string[])["odd%252Fone", "odd%2FONE", "%20odd%2Fone", "odd%2Fone%20", "odd%2Fone%00", "acs_x", "%FF", "%E2%80%AE", "odd%5Cone", "odd", "odd%2F", new string('x', 1_000), "%2E%2E%2Fodd%2Fone"])
        {
            var answer = await admin.SendAsync(
                MethodOf(route), PathOf(route).Replace("odd%2Fone", id, StringComparison.Ordinal), TakesBody(route) ? "{}" : null, null, ("If-Match", "*"));

            Assert.True(answer.Status is 400 or 404, $"{route} with {id}: {answer}");
        }

        await NothingWasDoneAsync(admin);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_odd_header_is_refused_or_changes_nothing(string route)
    {
        var admin = await PreparedAsync();
        foreach (var (name, value, statuses) in ((string, string, int[])[])
            [
                ("If-Match", "nonsense", [400]), ("If-Match", "\"a\", b", [400]), ("If-Match", "\"other\"", [404, 409, 412, 428]),
                ("If-None-Match", "nonsense", [400]), ("If-None-Match", "*", [304, 412, 404, 428]),
                ("Idempotency-Key", "with space", [400]), ("Idempotency-Key", new string('k', 256), [400]),
                ("Content-Encoding", "gzip", [415, 428]),
            ])
        {
            // A call ignores a header that it does not know, and is carried out. So calls that would change something are left out.
            var knows = name switch
            {
                "Idempotency-Key" => route.EndsWith("clients", StringComparison.Ordinal) || route.EndsWith("secrets", StringComparison.Ordinal),
                "Content-Encoding" => true,
                _ => route.Contains("{id}", StringComparison.Ordinal) && !route.EndsWith("usage", StringComparison.Ordinal),
            };
            if (!knows || (name is "Idempotency-Key" or "Content-Encoding" && !TakesBody(route)) || (route.Split(' ')[0] == "PUT" && name == "If-None-Match" && value == "*"))
            {
                continue;
            }

            var answer = await admin.SendAsync(MethodOf(route), PathOf(route), TakesBody(route) ? "{}" : null, null, (name, value));

            Assert.True(statuses.Contains(answer.Status), $"{route} with {name}: {value}: {answer}");
        }

        await NothingWasDoneAsync(admin);
    }

    private static HttpMethod MethodOf(string route) => new(route.Split(' ')[0]);

    private static string PathOf(string route) =>
        EveryRouteTests.Filled(route.Split(' ')[1]["/admin/v1".Length..].Replace("/clients/{id}", Present, StringComparison.Ordinal));

    private static bool TakesBody(string route) =>
        route is "POST /admin/v1/clients" or "PUT /admin/v1/clients/{id}" or "PATCH /admin/v1/clients/{id}" or "POST /admin/v1/clients/{id}/secrets";

    private static Task<Answer> AskAsync(AdminCaller admin, string route, string query) =>
        admin.SendAsync(MethodOf(route), PathOf(route) + query, TakesBody(route) ? "{}" : null, null, ("If-Match", "*"));

    private async Task<AdminCaller> PreparedAsync()
    {
        var admin = await server.CallerAsync();
        var created = await admin.PostAsync("/clients", new JsonObject { ["clientId"] = "odd/one" }.ToJsonString());
        Assert.True(created.Status is 201 or 409, created.ToString());
        return admin;
    }

    /// <summary>Fails unless the client is as it was created: its audit has one entry, and it has one secret.</summary>
    private static async Task NothingWasDoneAsync(AdminCaller admin)
    {
        var audit = await admin.GetAsync("/audit?client=odd/one");
        Assert.Equal("client.create", Assert.Single(audit.Items)!["action"]!.GetValue<string>());
        Assert.Single((await admin.GetAsync(Present + "/secrets")).Items);
    }
}
