using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.AdminTests.Clients;

/// <summary>Clients over the admin API: what each call does.</summary>
[Collection(OnAdminServer.Name)]
public sealed class ClientTests(AdminServer server)
{
    [Fact]
    public async Task A_created_client_is_found_and_gets_tokens()
    {
        var admin = await server.CallerAsync();

        var created = await admin.PostAsync("/clients", """{ "clientId": "made", "name": "Made", "scopes": ["read"], "metadata": { "owner": "team-made" } }""");

        Assert.Equal(201, created.Status);
        Assert.Equal("/admin/v1/clients/made", created.Location);
        var secret = created.Json["secret"]!.GetValue<string>();
        Assert.Matches("^acs_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$", secret);
        Assert.Equal("read", (await server.TryTokenAsync(new TestClient("made", secret))).Scope);
        var read = await admin.GetAsync("/clients/made");
        Assert.Equal(200, read.Status);
        Assert.Equal(created.ETag, read.ETag);
        Assert.Null(read.Json["secret"]);
        Assert.True(read.Json["enabled"]!.GetValue<bool>());
        var listed = Assert.Single((await admin.GetAsync("/clients?owner=team-made")).Items)!;
        Assert.Equal(read.ETag, $"\"{listed["etag"]!.GetValue<string>()}\"");
        listed.AsObject().Remove("etag");
        listed.AsObject().Remove("lastUsedAt");
        var document = read.Json.AsObject();
        document.Remove("lastUsedAt");
        Assert.True(JsonNode.DeepEquals(document, listed), $"{document}\n{listed}");
    }

    [Fact]
    public async Task A_client_without_an_id_gets_one()
    {
        var admin = await server.CallerAsync();

        var created = await admin.PostAsync("/clients", "{}");

        Assert.Equal(201, created.Status);
        var id = created.Json["clientId"]!.GetValue<string>();
        Assert.Equal(id, created.Json["name"]!.GetValue<string>());
        Assert.Equal(200, (await admin.GetAsync($"/clients/{id}")).Status);
    }

    [Fact]
    public async Task A_taken_id_is_a_conflict_and_that_of_a_deleted_client_is_not()
    {
        var admin = await server.CallerAsync();
        var (first, _) = await admin.CreateAsync("again", new JsonObject { ["scopes"] = new JsonArray("read") });
        var old = await server.TokenAsync(first);
        (await admin.PostAsync("/clients", """{ "clientId": "again" }""")).Refused(409);
        Assert.Equal(204, (await admin.DeleteAsync("/clients/again")).Status);
        (await admin.GetAsync("/clients/again")).Refused(404);
        Assert.Equal(401, (await server.TryTokenAsync(first)).Status);

        var (second, _) = await admin.CreateAsync("again", new JsonObject { ["scopes"] = new JsonArray("authcluster:read") });

        Assert.Equal(401, (await server.TryTokenAsync(first)).Status);
        Assert.Equal(200, (await (await server.CallerAsync(second)).GetAsync("/clients?limit=1")).Status);
        (await new AdminCaller(server.Http, old).GetAsync("/clients")).Refused(401);
    }

    [Fact]
    public async Task Put_needs_the_present_etag_and_leaves_enabled_as_it_is()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("put", new JsonObject { ["enabled"] = false });

        (await admin.PutAsync("/clients/put", """{ "name": "x" }""", null)).Refused(428);
        (await admin.PutAsync("/clients/put", """{ "name": "x" }""", "\"other\"")).Refused(412);
        (await admin.PutAsync("/clients/put", """{ "name": "x" }""", "W/" + created.ETag)).Refused(412);
        (await admin.PutAsync("/clients/put", """{ "name": "x" }""", "nonsense")).Refused(400);
        (await admin.PutAsync("/clients/nobody", """{ "name": "x" }""", "*")).Refused(404);
        (await admin.PutAsync("/clients/put", """{ "clientId": "another" }""", "*")).Refused(400);
        var put = await admin.PutAsync("/clients/put", """{ "name": "x", "scopes": ["a"] }""", created.ETag);

        Assert.Equal(200, put.Status);
        Assert.NotEqual(created.ETag, put.ETag);
        Assert.False(put.Json["enabled"]!.GetValue<bool>());
        Assert.Equal("x", put.Json["name"]!.GetValue<string>());
        (await admin.PutAsync("/clients/put", """{ "name": "y" }""", created.ETag)).Refused(412);
        Assert.Equal(200, (await admin.PutAsync("/clients/put", """{ "name": "y" }""", $"\"other\", {put.ETag}")).Status);
    }

    [Fact]
    public async Task Reads_and_creations_honour_If_Match()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("matched");
        var secret = $"/clients/matched/secrets/{created.Json["secretId"]}";
        Task<Answer> ReadAsync(string path, string match) => admin.SendAsync(HttpMethod.Get, path, null, null, ("If-Match", match));

        foreach (var path in (string[])["/clients/matched", "/clients/matched/secrets", secret])
        {
            (await ReadAsync(path, "\"other\"")).Refused(412);
            (await ReadAsync(path, "W/" + created.ETag)).Refused(412);
            (await ReadAsync(path, "nonsense")).Refused(400);
            Assert.Equal(created.ETag, (await ReadAsync(path, created.ETag!)).ETag);
            Assert.Equal(200, (await ReadAsync(path, $"\"other\", {created.ETag}")).Status);
            Assert.Equal(200, (await ReadAsync(path, "*")).Status);
        }

        (await ReadAsync("/clients/nobody", "*")).Refused(404);
        foreach (var match in (string[])["*", "\"other\""])
        {
            (await admin.PostAsync("/clients", """{ "clientId": "matched-none" }""", ("If-Match", match))).Refused(412);
            (await admin.PostAsync("/clients", "{}", ("If-Match", match))).Refused(412);
            (await admin.PostAsync("/clients", """{ "clientId": "matched" }""", ("If-Match", match))).Refused(409);
        }

        (await admin.PostAsync("/clients", """{ "clientId": "matched-none" }""", ("If-Match", "nonsense"))).Refused(400);
        (await admin.GetAsync("/clients/matched-none")).Refused(404);
    }

    [Fact]
    public async Task A_document_that_GET_returned_can_be_PUT_back()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("back", new JsonObject { ["claims"] = new JsonObject { ["tenant"] = "Zürich" }, ["rateLimit"] = new JsonObject { ["tokensPerSecond"] = 5 } });
        var read = await admin.GetAsync("/clients/back");

        var put = await admin.PutAsync("/clients/back", read.Body, read.ETag);

        Assert.True(put.Status == 200, put.ToString());
        Assert.Equal("Zürich", put.Json["claims"]!["tenant"]!.GetValue<string>());
    }

    [Fact]
    public async Task Patch_merges_and_null_removes()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("patched", new JsonObject { ["scopes"] = new JsonArray("a", "b"), ["metadata"] = new JsonObject { ["owner"] = "o", ["x"] = "1" } });

        var patched = await admin.PatchAsync("/clients/patched", """{ "name": "New", "metadata": { "x": null, "y": "2" }, "enabled": null }""");

        Assert.True(patched.Status == 200, patched.ToString());
        Assert.Equal("New", patched.Json["name"]!.GetValue<string>());
        Assert.Equal(["owner", "y"], patched.Json["metadata"]!.AsObject().Select(member => member.Key));
        Assert.True(patched.Json["enabled"]!.GetValue<bool>());
        Assert.False((await admin.PatchAsync("/clients/patched", """{ "enabled": false }""")).Json["enabled"]!.GetValue<bool>());
        (await admin.PatchAsync("/clients/patched", """{ "name": "z" }""", ("If-Match", "\"old\""))).Refused(412);
        (await admin.SendAsync(HttpMethod.Patch, "/clients/patched", "{}", "application/json")).Refused(415);
        (await admin.PatchAsync("/clients/nobody", "{}")).Refused(404);
    }

    [Fact]
    public async Task Of_two_writers_with_one_etag_one_wins()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("contested");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            admin.PutAsync("/clients/contested", $$"""{ "name": "writer {{i}}" }""", created.ETag)));

        var winner = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != winner), answer => answer.Refused(412));
        Assert.Equal(winner.Json["name"]!.GetValue<string>(), (await admin.GetAsync("/clients/contested")).Json["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Patches_without_an_etag_do_not_undo_each_other()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("merged");

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i =>
            admin.PatchAsync("/clients/merged", $$"""{ "metadata": { "key{{i}}": "v" } }""")));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(4, (await admin.GetAsync("/clients/merged")).Json["metadata"]!.AsObject().Count);
    }

    [Fact]
    public async Task Concurrent_patches_without_an_etag_are_all_carried_out()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("patched-at-once");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            admin.PatchAsync("/clients/patched-at-once", $$"""{ "metadata": { "m{{i}}": "{{i}}" } }""")));

        Assert.All(answers, answer => Assert.True(answer.Status == 200, answer.ToString()));
        Assert.Equal(20, (await admin.GetAsync("/clients/patched-at-once")).Json["metadata"]!.AsObject().Count);
    }

    [Fact]
    public async Task After_disable_no_token_is_issued_and_none_is_active()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("stopped", new JsonObject { ["scopes"] = new JsonArray("authcluster:read") });
        var token = await server.TokenAsync(client);

        Assert.False((await admin.PostAsync("/clients/stopped/disable")).Json["enabled"]!.GetValue<bool>());

        Assert.Equal(401, (await server.TryTokenAsync(client)).Status);
        (await new AdminCaller(server.Http, token).GetAsync("/clients")).Refused(401);
        Assert.True((await admin.PostAsync("/clients/stopped/enable")).Json["enabled"]!.GetValue<bool>());
        (await new AdminCaller(server.Http, token).GetAsync("/clients")).Refused(401);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        (await admin.PostAsync("/clients/nobody/disable")).Refused(404);
        (await admin.PostAsync("/clients/nobody/enable")).Refused(404);
        (await admin.PostAsync("/clients/nobody/revoke-tokens")).Refused(404);
        (await admin.DeleteAsync("/clients/nobody")).Refused(404);
        (await admin.PostAsync("/clients/stopped/disable", null, ("If-Match", "\"old\""))).Refused(412);
        (await admin.DeleteAsync("/clients/stopped", ("If-Match", "\"old\""))).Refused(412);
    }

    [Fact]
    public async Task The_list_comes_in_pages_in_ordinal_order_and_finds_by_beginning_and_owner()
    {
        var admin = await server.CallerAsync();
        foreach (var id in (string[])["list-b", "list-B", "list-a", "list-c"])
        {
            await admin.CreateAsync(id, new JsonObject { ["name"] = $"Listed {id}", ["metadata"] = new JsonObject { ["owner"] = "lister" } });
        }

        var first = await admin.GetAsync("/clients?search=list-&limit=3");
        var second = await admin.GetAsync($"/clients?search=list-&limit=3&after={first.Json["next"]}");

        Assert.Equal(["list-B", "list-a", "list-b"], first.Items.Select(Id));
        Assert.Equal(["list-c"], second.Items.Select(Id));
        Assert.Null(second.Json["next"]);
        Assert.Equal(4, (await admin.GetAsync("/clients?search=LISTED")).Items.Count);
        Assert.Equal(4, (await admin.GetAsync("/clients?owner=lister")).Items.Count);
        Assert.Equal(["list-c"], (await admin.GetAsync("/clients?owner=lister&search=list-c")).Items.Select(Id));
        await admin.DeleteAsync("/clients/list-c");
        Assert.Empty((await admin.GetAsync("/clients?search=list-c")).Items);

        static string Id(JsonNode? item) => item!["clientId"]!.GetValue<string>();
    }

    [Fact]
    public async Task A_last_use_is_shown_within_three_seconds()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("used", new JsonObject { ["scopes"] = new JsonArray("read") });
        var secretId = created.Json["secretId"]!.GetValue<string>();
        Assert.Null((await admin.GetAsync("/clients/used")).Json["lastUsedAt"]);
        await server.TokenAsync(client);
        await server.TryTokenAsync(client, "&scope=write");
        await server.TryTokenAsync(client with { Secret = "acs_wrongwrongwrong" });

        await TestKit.Eventually.HoldsAsync("the use is shown", TimeSpan.FromSeconds(4), async () =>
            (await admin.GetAsync("/clients?search=used")).Items[0]!["lastUsedAt"] is not null
            && (await admin.GetAsync($"/clients/used/secrets/{secretId}")).Json["lastUsedAt"] is not null
            && (await admin.GetAsync("/clients/used/usage")).Json["totals"]!["refused"]!.AsObject().Count == 2,
            TestContext.Current.CancellationToken);

        Assert.NotNull((await admin.GetAsync("/clients/used")).Json["lastUsedAt"]);
        var usage = (await admin.GetAsync("/clients/used/usage")).Json;
        Assert.Equal(1, usage["totals"]!["issued"]!.GetValue<long>());
        Assert.Equal("""{"invalid_client":1,"invalid_scope":1}""", usage["totals"]!["refused"]!.ToJsonString());
        Assert.Equal("hour", usage["bucket"]!.GetValue<string>());
        Assert.Equal(1, usage["items"]!.AsArray().Sum(item => item!["issued"]!.GetValue<long>()));
        Assert.InRange(usage["items"]!.AsArray().Count, 24, 25);
        Assert.NotNull(usage["lastUsedAt"]);
        Assert.Contains((await admin.GetAsync("/reports/usage?limit=1000")).Items, item => item!["clientId"]!.GetValue<string>() == "used" && item["issued"]!.GetValue<long>() == 1);
        Assert.Single((await admin.GetAsync("/reports/usage?order=refused&limit=1")).Items);

        Assert.Equal(204, (await admin.DeleteAsync("/clients/used")).Status);
        await admin.CreateAsync("used");
        Assert.Null((await admin.GetAsync("/clients/used")).Json["lastUsedAt"]);
        Assert.Null((await admin.GetAsync("/clients?search=used")).Items[0]!["lastUsedAt"]);
    }

    [Fact]
    public async Task Unused_things_are_reported_page_by_page()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("unused", new JsonObject { ["scopes"] = new JsonArray("s") });
        var found = new List<string>();
        for (var next = ""; next is not null;)
        {
            var page = await admin.GetAsync($"/reports/unused?days=0&limit=5{(next.Length > 0 ? "&after=" + next : "")}");
            Assert.Equal(200, page.Status);
            found.AddRange(page.Items.Where(item => item!["clientId"]!.GetValue<string>() == "unused").Select(item => item!["kind"]!.GetValue<string>()));
            next = page.Json["next"]?.GetValue<string>();
        }

        Assert.Equal(["client", "scope", "secret"], found);
        Assert.Empty((await admin.GetAsync("/reports/unused?days=1")).Items);
    }

    [Fact]
    public async Task Every_bound_of_a_document_is_reachable()
    {
        var admin = await server.CallerAsync();
        var id = new string('a', 200);
        var document = new JsonObject
        {
            ["clientId"] = id,
            ["name"] = string.Concat(Enumerable.Repeat("😀", 200)),
            ["scopes"] = new JsonArray([new string('s', 128), .. Enumerable.Range(0, 199).Select(i => (JsonNode)$"s{i}")]),
            ["audiences"] = new JsonArray([new string('a', 512), .. Enumerable.Range(0, 49).Select(i => (JsonNode)$"a{i}")]),
            ["claims"] = new JsonObject { [new string('c', 256)] = new string('v', 8_192 - 256 - 7) },
            ["metadata"] = new JsonObject([.. Enumerable.Range(0, 50).Select(i => KeyValuePair.Create(i.ToString(CultureInfo.InvariantCulture).PadLeft(64, 'm'), (JsonNode?)new string('v', 1_000)))]),
        };

        var created = await admin.PostAsync("/clients", document.ToJsonString());

        Assert.True(created.Status == 201, created.ToString());
        Assert.Equal(200, (await admin.GetAsync($"/clients/{id}")).Status);
        Assert.Single((await admin.GetAsync($"/clients?search={new string('a', 100)}")).Items);
    }

    [Theory]
    [InlineData(0, 0, 8_192)]
    [InlineData(100, 0, 0)]
    [InlineData(60, 0, 8_192)]
    [InlineData(0, 25, 0)]
    [InlineData(20, 15, 4_000)]
    public async Task The_largest_token_of_any_client_is_taken_everywhere_and_all_its_scopes_can_be_named(int scopes, int audiences, int claims)
    {
        var admin = await server.CallerAsync();
        var id = $"large-{scopes}-{audiences}-{claims}";
        string[] registered = ["authcluster:admin", "authcluster:introspect", .. Enumerable.Range(0, scopes).Select(i => i.ToString(CultureInfo.InvariantCulture).PadLeft(128, 's'))];
        var document = new JsonObject
        {
            ["scopes"] = new JsonArray([.. registered.Select(scope => (JsonNode)scope)]),
            ["audiences"] = new JsonArray([.. Enumerable.Range(0, audiences).Select(i => (JsonNode)i.ToString(CultureInfo.InvariantCulture).PadLeft(512, 'a'))]),
        };
        if (claims > 0)
        {
            document["claims"] = new JsonObject { ["c"] = new string('v', claims - 8) };
        }

        var (client, _) = await admin.CreateAsync(id, document);

        var scope = Uri.EscapeDataString(string.Join(' ', registered));
        var token = await server.TokenAsync(client, $"&scope={scope}");
        Assert.True(token.Length <= 24_576, $"{token.Length}");
        Assert.Equal(200, (await new AdminCaller(server.Http, token).GetAsync("/clients?limit=1")).Status);
        Assert.Contains("\"active\":true", await PostAsync("/oauth/introspect", token), StringComparison.Ordinal);
        await PostAsync("/oauth/revoke", token);
        Assert.Contains("\"active\":false", await PostAsync("/oauth/introspect", token), StringComparison.Ordinal);

        async Task<string> PostAsync(string path, string presented)
        {
            using var form = new StringContent($"client_id={id}&client_secret={client.Secret}&token={presented}", Encoding.UTF8, "application/x-www-form-urlencoded");
            using var answer = await server.Http.PostAsync(path, form, TestContext.Current.CancellationToken);
            Assert.Equal(200, (int)answer.StatusCode);
            return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_document_whose_token_would_be_too_large_is_refused_for_a_new_and_for_an_existing_client()
    {
        var admin = await server.CallerAsync();
        var scopes = new JsonArray([.. Enumerable.Range(0, 200).Select(i => (JsonNode)i.ToString(CultureInfo.InvariantCulture).PadLeft(128, 's'))]).ToJsonString();
        await admin.CreateAsync("not-too-large");

        foreach (var answer in (Answer[])
            [
                await admin.PostAsync("/clients", $$"""{ "clientId": "too-large", "scopes": {{scopes}} }"""),
                await admin.PutAsync("/clients/not-too-large", $$"""{ "scopes": {{scopes}} }""", "*"),
                await admin.PatchAsync("/clients/not-too-large", $$"""{ "scopes": {{scopes}} }"""),
            ])
        {
            answer.Refused(400);
            Assert.Equal(["$"], answer.Fields);
        }

        (await admin.GetAsync("/clients/too-large")).Refused(404);
    }
}
