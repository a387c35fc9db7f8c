using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Clients;

/// <summary>What the calls about clients refuse, and by what name.</summary>
[Collection(OnAdminServer.Name)]
public sealed class ClientRefusalTests(AdminServer server)
{
    [Theory]
    [InlineData("""{ "tokenLifetimeSecs": null }""", "tokenLifetimeSecs")]
    [InlineData("""{ "rateLimit": { "brst": null } }""", "rateLimit.brst")]
    [InlineData("""{ "quota": { "tokensPerSecond": null } }""", "quota.tokensPerSecond")]
    public async Task The_API_refuses_by_name_a_patch_that_removes_what_no_document_has(string patch, string field)
    {
        var answer = await (await server.CallerAsync()).PatchAsync("/clients/plain", patch);

        answer.Refused(400);
        Assert.Equal([field], answer.Fields);
    }

    [Theory]
    [InlineData("/clients?limit=0")]
    [InlineData("/clients?limit=1001")]
    [InlineData("/clients?limit=ten")]
    [InlineData("/clients?limit=")]
    [InlineData("/clients?limit=1&limit=2")]
    [InlineData("/audit?limit=0")]
    [InlineData("/reports/usage?limit=1001")]
    [InlineData("/reports/unused?limit=-1")]
    [InlineData("/reports/expiring?limit=1001")]
    public async Task A_limit_out_of_range_is_refused(string path)
    {
        var answer = await (await server.CallerAsync()).GetAsync(path);

        answer.Refused(400);
        Assert.Equal(["limit"], answer.Fields);
    }

    [Theory]
    [InlineData("/reports/unused?days=-1", "days")]
    [InlineData("/reports/unused?after=nonsense", "after")]
    [InlineData("/reports/expiring?days=4000", "days")]
    [InlineData("/reports/unused?after=e30", "after")]
    [InlineData("/reports/unused?after={\"ClientId\":\"a\",\"Kind\":\"client\"}", "after")]
    [InlineData("/reports/unused?after={\"ClientId\":\"\\u0000\",\"Kind\":\"client\",\"Value\":\"\"}", "after")]
    [InlineData("/reports/unused?after={\"ClientId\":\"a\",\"Kind\":\"\\ud800\",\"Value\":\"\"}", "after")]
    [InlineData("/reports/unused?after={\"ClientId\":\"a\",\"Kind\":\"client\",\"Value\":\"\\u0000\"}", "after")]
    [InlineData("/reports/expiring?after=e30", "after")]
    [InlineData("/reports/expiring?after={\"ClientId\":\"\\u0000\",\"SecretId\":\"s\",\"ExpiresAt\":\"2030-01-01T00:00:00Z\"}", "after")]
    [InlineData("/reports/expiring?after={\"ClientId\":\"a\",\"SecretId\":\"\\u0000\",\"ExpiresAt\":\"2030-01-01T00:00:00Z\"}", "after")]
    [InlineData("/audit?after=nonsense", "after")]
    [InlineData("/audit?after=1%00.a", "after")]
    [InlineData("/audit?after=99999999999999999999.a", "after")]
    [InlineData("/reports/usage?order=most", "order")]
    [InlineData("/reports/usage?from=yesterday", "from")]
    [InlineData("/reports/usage?from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z", "from")]
    [InlineData("/clients/plain/usage?bucket=week", "bucket")]
    [InlineData("/clients/plain/usage?from=1990-01-01T00:00:00Z", "from")]
    public async Task A_bad_parameter_is_refused_by_name(string path, string name)
    {
        // A page's cursor for the next one is JSON in base64url.
        var json = path.IndexOf('{', StringComparison.Ordinal);
        path = json < 0 ? path : path[..json] + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(path[json..]));

        var answer = await (await server.CallerAsync()).GetAsync(path);

        answer.Refused(400);
        Assert.Equal([name], answer.Fields);
    }

    [Theory]
    [InlineData("hour", 2)]
    [InlineData("day", 1)]
    public async Task Usage_at_the_end_of_time_is_answered_with_a_bucket_for_each_hour_or_day(string bucket, int buckets)
    {
        var admin = await server.CallerAsync();
        var id = $"late-{bucket}";
        await admin.CreateAsync(id);

        var usage = await admin.GetAsync($"/clients/{id}/usage?from=9999-12-31T22:00:00Z&to=9999-12-31T23:59:59Z&bucket={bucket}");

        Assert.True(usage.Status == 200, usage.ToString());
        Assert.Equal(buckets, usage.Items.Count);
    }

    [Theory]
    [InlineData("""{ "nmae": "x" }""", "nmae")]
    [InlineData("""{ "clientId": "." }""", "clientId")]
    [InlineData("""{ "clientId": "acs_x" }""", "clientId")]
    [InlineData("""{ "name": "" }""", "name")]
    [InlineData("""{ "name": "tail\u202Egnol" }""", "name")]
    [InlineData("""{ "name": "bell\u0007" }""", "name")]
    [InlineData("""{ "scopes": ["a", "a"] }""", "scopes[1]")]
    [InlineData("""{ "scopes": ["a b"] }""", "scopes[0]")]
    [InlineData("""{ "scopes": ["authcluster:root"] }""", "scopes[0]")]
    [InlineData("""{ "claims": { "iss": "me" } }""", "claims.iss")]
    [InlineData("""{ "claims": { "cnf": {} } }""", "claims.cnf")]
    [InlineData("""{ "tokenLifetimeSeconds": 59 }""", "tokenLifetimeSeconds")]
    [InlineData("""{ "grantTypes": ["password"] }""", "grantTypes[0]")]
    [InlineData("""{ "authMethods": [] }""", "authMethods")]
    [InlineData("""{ "secret": "short" }""", "secret")]
    [InlineData("""{ "secret": "long enough, that is", "secretHash": "x" }""", "secretHash")]
    [InlineData("""{ "secretHash": "$2b$31$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcde" }""", "secretHash")]
    [InlineData("""{ "name": "a", "name": "b" }""", "name")]
    [InlineData("""[]""", "$")]
    [InlineData("""{ /* no */ }""", "$")]
    [InlineData("", "$")]
    [InlineData("{", "$")]
    public async Task A_bad_document_is_refused_by_field(string body, string field)
    {
        var answer = await (await server.CallerAsync()).PostAsync("/clients", body);

        answer.Refused(400);
        Assert.Contains(field, answer.Fields);
    }

    [Fact]
    public async Task Hostile_documents_are_refused_in_milliseconds()
    {
        var admin = await server.CallerAsync();
        string[] bodies =
        [
            $"{{ \"claims\": {string.Concat(Enumerable.Repeat("{\"a\":", 10_000))}1{new string('}', 10_000)} }}",
            new string('[', 100_000),
            "{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"m{i}\":1")) + "}",
            "{" + string.Join(',', Enumerable.Repeat("\"name\":\"x\"", 20_000)) + "}",
            "{ \"claims\": {" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"m{i}\":1")) + "} }",
        ];
        (await admin.PostAsync("/clients", bodies[0])).Refused(400);

        foreach (var body in bodies)
        {
            var started = Stopwatch.GetTimestamp();
            (await admin.PostAsync("/clients", body)).Refused(400);
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMilliseconds(500), $"{Stopwatch.GetElapsedTime(started).TotalMilliseconds} ms");
        }
    }

    [Fact]
    public async Task Bodies_are_bounded_and_typed()
    {
        var admin = await server.CallerAsync();
        var large = "{ \"name\": \"" + new string('x', 262_144) + "\" }";

        (await admin.PostAsync("/clients", large)).Refused(413);
        (await admin.SendAsync(HttpMethod.Post, "/clients", large, "text/plain")).Refused(415);
        (await admin.SendAsync(HttpMethod.Post, "/clients", "{}", "text/plain")).Refused(415);
        (await admin.SendAsync(HttpMethod.Post, "/clients")).Refused(415);
        (await admin.PostAsync("/clients", "{}", ("Content-Encoding", "gzip"))).Refused(415);
        (await admin.PutAsync("/clients/plain", large, "*")).Refused(413);
        (await admin.PatchAsync("/clients/plain", large)).Refused(413);
        (await admin.PostAsync("/clients/plain/secrets", large)).Refused(413);
    }

    [Theory]
    [InlineData("/clients/%2e%2e%2f")]
    [InlineData("/clients/acs_secretinplaceofanid")]
    [InlineData("/clients/%E2%80%AE")]
    public async Task An_id_outside_the_grammar_is_not_found(string path) =>
        (await (await server.CallerAsync()).GetAsync(path)).Refused(404);

    [Fact]
    public async Task Control_characters_never_reach_the_log()
    {
        var admin = await server.CallerAsync();

        await admin.PostAsync("/clients", """{ "name": "mark\u202E\u001B[31mred", "metadata": { "owner": "mark\u0007" } }""");
        await admin.GetAsync("/clients?search=mark%1B%5B31m");

        Assert.DoesNotContain('\u001B', server.Installation.Output);
        Assert.DoesNotContain('\u202E', server.Installation.Output);
    }
}
