using System.Text.RegularExpressions;
using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Database;

/// <summary>The rights that <c>docs/operating.md</c> names are enough, and are all that its roles have.</summary>
public sealed partial class LeastRightsTests
{
    private const string Audience = "https://api.example";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_and_a_front_end_run_on_postgresql_with_the_documented_rights_alone()
    {
        var (client, api, admin) = (TestClient.New("orders"), TestClient.New("api"), TestClient.New("boss"));
        var documents = new[]
        {
            client.Document($$"""{ "audiences": ["{{Audience}}"], "scopes": ["read"], "quota": { "tokens": 1000, "per": "month" }, "rateLimit": { "tokensPerSecond": 100 } }"""),
            api.Document($$"""{ "introspects": ["{{Audience}}"] }"""),
            admin.Document(TestClient.Administers),
        };
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql, documents);
        var owner = cluster.Add();
        Assert.Equal(0, await owner.RunToExitAsync(Cancellation, "db", "migrate"));
        var suffix = await cluster.Database.QueryAsync("select right(current_database(), 12)");
        var (serverRole, frontRole) = ($"server_{suffix}", $"front_{suffix}");
        try
        {
            await cluster.Database.QueryAsync($"create role {serverRole} login");
            await cluster.Database.QueryAsync($"create role {frontRole} login");
            await cluster.Database.QueryAsync(
                (await DocumentedAsync("postgresql")).Replace("authcluster_server", serverRole, StringComparison.Ordinal).Replace("authcluster_front", frontRole, StringComparison.Ordinal));

            await RunAsync(cluster, client, api, admin, As(serverRole), As(frontRole));
        }
        finally
        {
            await cluster.Database.QueryAsync($"drop owned by {serverRole}, {frontRole}; drop role {serverRole}, {frontRole}");
        }

        Action<ServerProcess> As(string role) => node =>
        {
            node["AuthCluster:Storage:ConnectionString"] = cluster.Database.ConnectionString.Replace("Username=postgres", $"Username={role}", StringComparison.Ordinal);
            node["AuthCluster:Storage:MigrateOnStart"] = "false";
        };
    }

    [Fact]
    public async Task The_rights_for_sql_server_name_each_table_type_of_its_scripts()
    {
        var documented = await DocumentedAsync("sqlserver");
        var types = Directory.GetFiles(Repository.PathOf("sql", "sqlserver"), "*.sql")
            .SelectMany(file => TableType().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["name"].Value)
            .ToList();

        Assert.Contains("usage_hourly_row", types);
        Assert.All(types, type => Assert.Contains($"grant execute on type::{type} to authcluster_server;", documented, StringComparison.Ordinal));
    }

    private static async Task RunAsync(
        ClusterUnderTest cluster, TestClient client, TestClient api, TestClient admin, Action<ServerProcess> asServer, Action<ServerProcess> asFront)
    {
        using var caller = new Caller();
        var servers = await cluster.StartNodesAsync(1, asServer);
        var front = (await cluster.StartNodesAsync(1, node =>
        {
            asFront(node);
            node["AuthCluster:Role"] = "FrontEnd";
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
        }))[0];
        foreach (var node in servers.Append(front))
        {
            var token = await caller.TokenAsync(node, client);
            Assert.True((await caller.At(node).IntrospectAsync(api, token)).Active);
            Assert.Equal(200, (await caller.At(node).RevokeAsync(client, token)).Status);
            Assert.False((await caller.At(node).IntrospectAsync(api, token)).Active);
            Assert.NotEmpty((await caller.At(node).FeedToEndAsync(api)).Items);
            await AdministerAsync(caller, node, await caller.TokenAsync(node, admin));
        }

        await Eventually.HoldsAsync(
            "the usage is written",
            TimeSpan.FromSeconds(20),
            async () => await cluster.Database.NumberAsync("select count(*) from usage_hourly where outcome = 'issued'") > 0,
            Cancellation);
        Assert.All(await Task.WhenAll(servers.Append(front).Select(node => node.StopAsync(Cancellation))), code => Assert.Equal(0, code));
        Assert.All(servers.Append(front), node => Assert.DoesNotContain("permission denied", node.Output, StringComparison.Ordinal));
        Assert.Equal(0, await servers[0].RunToExitAsync(Cancellation, "db", "status"));
        Assert.Equal(0, await servers[0].RunToExitAsync(Cancellation, "db", "restored", "--force"));
    }

    /// <summary>What an administrator can ask for: each write goes to other tables.</summary>
    private static async Task AdministerAsync(Caller caller, ServerProcess node, string bearer)
    {
        var id = $"made-{node.Port}";
        (HttpMethod Method, string Path, string? Body)[] calls =
        [
            (HttpMethod.Post, "/clients", $$"""{ "clientId": "{{id}}" }"""),
            (HttpMethod.Post, $"/clients/{id}/secrets", """{ "expiresAt": "2099-01-01T00:00:00Z" }"""),
            (HttpMethod.Post, $"/clients/{id}/disable", null),
            (HttpMethod.Post, $"/clients/{id}/enable", null),
            (HttpMethod.Post, $"/clients/{id}/revoke-tokens", null),
            (HttpMethod.Get, "/clients?search=made", null),
            (HttpMethod.Get, "/audit", null),
            (HttpMethod.Get, $"/clients/{id}/usage", null),
            (HttpMethod.Get, "/reports/unused?days=1", null),
            (HttpMethod.Get, "/reports/expiring?days=30", null),
            (HttpMethod.Delete, $"/clients/{id}", null),
        ];
        foreach (var (method, path, body) in calls)
        {
            using var answer = await caller.SendAsync(
                node, method, "/admin/v1" + path, bearer, body, idempotencyKey: body is null ? null : $"{path}-{node.Port}");
            Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancellation)}{ServerProcess.Tail(node.Output)}");
        }
    }

    /// <summary>The block of <c>docs/operating.md</c> that gives the rights, by what its first line says.</summary>
    private static async Task<string> DocumentedAsync(string database)
    {
        var text = await File.ReadAllTextAsync(Repository.PathOf("docs", "operating.md"), Cancellation);
        return Block().Matches(text).Single(block => block.Groups["database"].Value == database).Groups["sql"].Value;
    }

    [GeneratedRegex(@"```sql\n-- rights on (?<database>\w+)\n(?<sql>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"create type (?<name>\w+) as table")]
    private static partial Regex TableType();
}
