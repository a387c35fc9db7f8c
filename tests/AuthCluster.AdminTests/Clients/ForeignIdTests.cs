using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;
using CsCheck;

namespace AuthCluster.AdminTests.Clients;

/// <summary>Client ids as other servers have them work on every path that carries an id.</summary>
[Collection(OnAdminServer.Name)]
public sealed class ForeignIdTests(AdminServer server)
{
    private const string Allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$&'()*+,-./:;=@[]^_`{|}~";
    private static int _made;

    private static readonly Gen<string> AnyId = Gen.Char[Allowed].Array[1, 200].Select(characters => new string(characters))
        .Where(id => id is not ("." or "..") && !id.StartsWith("acs_", StringComparison.Ordinal));

    [Theory]
    [InlineData("http://adfs/x")]
    [InlineData("urn:federation:MicrosoftOnline")]
    [InlineData("a@b")]
    [InlineData("sp-x!b1|y!b2")]
    [InlineData("a/../b")]
    [InlineData("../secrets")]
    [InlineData("/")]
    [InlineData("...")]
    [InlineData("a/disable")]
    [InlineData("+:&=;,")]
    [InlineData("{id}")]
    [InlineData("_[]^`~$*'()")]
    public Task An_id_of_another_server_works_everywhere(string id) => LiveAsync(id);

    [Fact]
    public async Task An_id_of_200_characters_works_everywhere() => await LiveAsync("http://adfs/" + new string('x', 188));

    [Fact]
    public Task Any_id_of_the_grammar_works_everywhere() => AnyId.SampleAsync(LiveAsync, iter: 12, threads: 1);

    [Fact]
    public async Task Ids_with_characters_of_a_search_pattern_are_found_literally_and_in_ordinal_order()
    {
        var admin = await server.CallerAsync();
        string[] ids = ["like/[a]", "like/_b", "like/ab", "like/a*", "like/A", "like/a", "like/a!", "like/a/", "like/a/b"];
        foreach (var id in ids)
        {
            await admin.CreateAsync(id);
        }

        foreach (var id in ids)
        {
            // The search is by id, or by name without regard to case; here the name is the id.
            var found = ids.Where(other => other.StartsWith(id, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal);
            Assert.Equal(found, Ids(await admin.GetAsync($"/clients?search={Uri.EscapeDataString(id)}")));
        }

        var walked = new List<string>();
        for (var after = "like/"; walked.Count <= ids.Length;)
        {
            var page = await admin.GetAsync($"/clients?search=like/&limit=1&after={Uri.EscapeDataString(after)}");
            walked.AddRange(page.Items.Select(item => item!["clientId"]!.GetValue<string>()));
            if (page.Json["next"] is not { } next)
            {
                break;
            }

            after = next.GetValue<string>();
        }

        Assert.Equal(ids.Order(StringComparer.Ordinal), walked);
    }

    [Fact]
    public async Task A_path_that_is_not_exactly_the_one_of_an_id_finds_no_client()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("one/two");

        Assert.Equal(200, (await admin.GetAsync("/clients/one%2Ftwo")).Status);
        Assert.Equal(200, (await admin.GetAsync("/clients/one%2ftwo")).Status);
        (await admin.GetAsync("/clients/one%252Ftwo")).Refused(404);
        (await admin.GetAsync("/clients/one/two")).Refused(404);
        (await admin.GetAsync("/clients/one%2FTWO")).Refused(404);
        (await admin.DeleteAsync("/clients/one%252Ftwo")).Refused(404);
        var token = await server.TokenAsync(AdminServer.Admin);
        foreach (var path in (string[])["/admin/v1/clients/x/../one%2Ftwo", "/admin/v1/clients/./one%2Ftwo", "/admin/v1/clients/x%2F../one%2Ftwo"])
        {
            var (status, _, body) = await RawExchange.SendAsync(server.Installation.Address, $"GET {path} HTTP/1.1", $"Authorization: Bearer {token}", "Connection: close");
            Assert.True(status is 404 || JsonNode.Parse(body)!["clientId"]!.GetValue<string>() == "one/two", $"{path}: {status} {body}");
        }
    }

    [Theory]
    [InlineData("acs_x")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("a%2Fb")]
    [InlineData("a#b")]
    [InlineData("a?b")]
    [InlineData("a<b")]
    [InlineData("a\\b")]
    [InlineData("a\"b")]
    [InlineData("ä")]
    public async Task An_id_outside_the_grammar_is_refused(string id)
    {
        var answer = await (await server.CallerAsync()).PostAsync("/clients", new JsonObject { ["clientId"] = id }.ToJsonString());

        answer.Refused(400);
        Assert.Equal(["clientId"], answer.Fields);
    }

    /// <summary>One client's whole life, by its id alone.</summary>
    private async Task LiveAsync(string id)
    {
        var admin = await server.CallerAsync();
        var owner = $"foreign-{Interlocked.Increment(ref _made)}";
        var (client, created) = await admin.CreateAsync(id, new JsonObject
        {
            ["scopes"] = new JsonArray("read", "authcluster:introspect"),
            ["defaultScopes"] = new JsonArray("read"),
            ["metadata"] = new JsonObject { ["owner"] = owner },
        });
        var path = created.Location!["/admin/v1".Length..];
        Assert.Equal($"/clients/{Uri.EscapeDataString(id)}", path);

        var read = await admin.GetAsync(path);
        Assert.Equal(id, read.Json["clientId"]!.GetValue<string>());
        Assert.Equal(200, (await admin.PutAsync(path, read.Body, read.ETag)).Status);
        Assert.Equal("New", (await admin.PatchAsync(path, """{ "name": "New" }""")).Json["name"]!.GetValue<string>());
        var added = await admin.PostAsync(path + "/secrets", """{ "label": "second" }""", ("Idempotency-Key", owner));
        Assert.Equal(201, added.Status);
        Assert.Equal(added.Body, (await admin.PostAsync(path + "/secrets", """{ "label": "second" }""", ("Idempotency-Key", owner))).Body);
        var secret = added.Location!["/admin/v1".Length..];
        Assert.Equal("second", (await admin.GetAsync(secret)).Json["label"]!.GetValue<string>());
        Assert.Equal(2, (await admin.GetAsync(path + "/secrets")).Items.Count);
        Assert.Equal(id, (await admin.GetAsync(path + "/usage")).Json["clientId"]!.GetValue<string>());
        Assert.Equal([id], Ids(await admin.GetAsync($"/clients?owner={owner}&search={Uri.EscapeDataString(id)}")));
        Assert.Empty((await admin.GetAsync($"/clients?owner={owner}&after={Uri.EscapeDataString(id)}")).Items);

        var token = await server.TokenAsync(client);
        using var tokens = new TokenEndpointCaller(server.Installation.Address);
        using var caller = new OAuthCaller(server.Installation.Address);
        Assert.Equal(200, (await tokens.BasicAsync(client)).Status);
        var introspected = await caller.IntrospectAsync(client, token);
        Assert.True(introspected.Active);
        Assert.Equal(id, introspected.Json.GetProperty("client_id").GetString());
        Assert.Equal(id, introspected.Json.GetProperty("sub").GetString());
        Assert.Equal(200, (await caller.RevokeAsync(client, token)).Status);
        Assert.False((await caller.IntrospectAsync(client, token)).Active);

        Assert.Equal(204, (await admin.DeleteAsync(secret)).Status);
        Assert.Equal(204, (await admin.PostAsync(path + "/revoke-tokens")).Status);
        Assert.Contains((await caller.FeedToEndAsync(client)).Items, item => item.GetProperty("value").GetString() == id);
        Assert.Equal(200, (await admin.PostAsync(path + "/disable")).Status);
        Assert.Equal(401, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(200, (await admin.PostAsync(path + "/enable")).Status);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);

        Assert.Equal(204, (await admin.DeleteAsync(path)).Status);
        (await admin.GetAsync(path)).Refused(404);
        var audit = (await admin.GetAsync($"/audit?client={Uri.EscapeDataString(id)}&limit=1000")).Items;
        Assert.Equal(
            ["client.delete", "client.enable", "client.disable", "client.revoke-tokens", "secret.revoke"],
            audit.Take(5).Select(entry => entry!["action"]!.GetValue<string>()));
        Assert.Equal(id, audit[0]!["target"]!.GetValue<string>());
    }

    private static IEnumerable<string> Ids(Answer page) => page.Items.Select(item => item!["clientId"]!.GetValue<string>());
}
