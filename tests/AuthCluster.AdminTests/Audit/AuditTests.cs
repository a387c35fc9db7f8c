using System.Globalization;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Audit;

/// <summary>The audit over the admin API: who did what to what, and when, from where.</summary>
[Collection(OnAdminServer.Name)]
public sealed class AuditTests(AdminServer server)
{
    [Fact]
    public async Task Every_change_has_its_entry_with_what_was_before_and_after_newest_first()
    {
        var admin = await server.CallerAsync();
        var from = DateTimeOffset.UtcNow.AddSeconds(-1);
        var (client, created) = await admin.CreateAsync("audited", new JsonObject { ["name"] = "First" });
        await admin.PutAsync("/clients/audited", """{ "name": "Second" }""", "*");
        await admin.PatchAsync("/clients/audited", """{ "name": "Third" }""");
        var added = await admin.PostAsync("/clients/audited/secrets", """{ "label": "new", "retireOthersAfter": 60 }""");
        await admin.DeleteAsync($"/clients/audited/secrets/{added.Json["secretId"]}?force=true");
        await admin.PostAsync("/clients/audited/revoke-tokens");
        await admin.PostAsync("/clients/audited/disable");
        await admin.PostAsync("/clients/audited/enable");
        await admin.DeleteAsync("/clients/audited");

        var entries = (await admin.GetAsync("/audit?client=audited")).Items;

        Assert.Equal(
            [
                "client.delete", "client.enable", "client.disable", "client.revoke-tokens", "secret.revoke",
                "secret.retire", "secret.add", "client.update", "client.update", "client.create",
            ],
            entries.Select(entry => Text(entry, "action")));
        Assert.All(entries, entry =>
        {
            Assert.Equal("admin-one", Text(entry, "actor"));
            Assert.Equal("audited", Text(entry, "target"));
            Assert.Contains(Text(entry, "remoteAddress"), (string[])["127.0.0.1", "::1"]);
            Assert.NotEmpty(Text(entry, "requestId"));
            Assert.InRange(DateTimeOffset.Parse(Text(entry, "at"), CultureInfo.InvariantCulture), from, DateTimeOffset.UtcNow);
        });
        Assert.Equal(entries.Count, entries.Select(entry => Text(entry, "id")).Distinct().Count());
        // One request, one id: the added secret and the retired one were one call.
        Assert.Equal(9, entries.Select(entry => Text(entry, "requestId")).Distinct().Count());

        Assert.Null(entries[9]!["before"]);
        Assert.Equal("First", entries[9]!["after"]!["name"]!.GetValue<string>());
        Assert.Equal(("First", "Second"), (Name(entries[8], "before"), Name(entries[8], "after")));
        Assert.Equal(("Second", "Third"), (Name(entries[7], "before"), Name(entries[7], "after")));
        Assert.Equal("new", entries[6]!["after"]!["label"]!.GetValue<string>());
        Assert.Null(entries[5]!["before"]!["expiresAt"]);
        Assert.NotNull(entries[5]!["after"]!["expiresAt"]);
        Assert.Equal(created.Json["secretId"]!.GetValue<string>(), entries[5]!["after"]!["secretId"]!.GetValue<string>());
        Assert.Equal("new", entries[4]!["before"]!["label"]!.GetValue<string>());
        Assert.Null(entries[4]!["after"]);
        Assert.Equal((true, false), (Enabled(entries[2], "before"), Enabled(entries[2], "after")));
        Assert.Equal((false, true), (Enabled(entries[1], "before"), Enabled(entries[1], "after")));
        Assert.Equal("Third", Name(entries[0], "before"));
        Assert.Null(entries[0]!["after"]);

        var told = entries.ToJsonString();
        Assert.DoesNotContain(client.Secret, told, StringComparison.Ordinal);
        Assert.DoesNotContain(added.Json["secret"]!.GetValue<string>(), told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_secret_material_of_any_kind_is_in_the_audit_or_the_catalogue()
    {
        var admin = await server.CallerAsync();
        const string Secret = "given and never shown again";
        const string Hash = "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC";
        await admin.CreateAsync("kept-quiet", new JsonObject
        {
            ["secrets"] = new JsonArray(new JsonObject { ["secret"] = Secret }, new JsonObject { ["secretHash"] = Hash }),
        });
        await admin.PatchAsync("/clients/kept-quiet", """{ "name": "x" }""");

        var stored = string.Concat(server.Query(
            "select coalesce(before_json, '') || coalesce(after_json, '') from audit where client_id = 'kept-quiet' "
            + "union all select document from client_catalogue where client_id = 'kept-quiet'").Select(row => row[0]));

        Assert.Contains("\"name\":\"x\"", stored, StringComparison.Ordinal);
        foreach (var part in (string[])[Secret, Hash, Hash[29..], "secretHash", "mac", "salt", "expected"])
        {
            Assert.DoesNotContain(part, stored, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_refused_call_leaves_no_entry()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("unchanged");
        var before = (await admin.GetAsync("/audit?limit=1")).Json["items"]![0]!["id"]!.GetValue<string>();

        await admin.PostAsync("/clients", """{ "clientId": "unchanged" }""");
        await admin.PutAsync("/clients/unchanged", "{}", "\"old\"");
        await admin.PutAsync("/clients/unchanged", """{ "nmae": 1 }""", "*");
        await admin.DeleteAsync("/clients/unchanged/secrets/none");
        await admin.DeleteAsync("/clients/nobody");
        await new AdminCaller(server.Http, await server.TokenAsync(AdminServer.Reader)).DeleteAsync("/clients/unchanged");

        Assert.Equal(before, (await admin.GetAsync("/audit?limit=1")).Json["items"]![0]!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task Pages_follow_each_other_without_a_gap()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("paged-audit");
        for (var i = 0; i < 6; i++)
        {
            await admin.PostAsync("/clients/paged-audit/revoke-tokens");
        }

        foreach (var (query, atLeast) in (IEnumerable<(string, int)>)[("client=paged-audit", 7), ("", 7)])
        {
            var whole = (await admin.GetAsync($"/audit?{query}&limit=1000")).Items.Select(entry => Text(entry, "id")).ToList();
            Assert.True(whole.Count >= atLeast);
            var paged = new List<string>();
            for (var next = ""; next is not null && paged.Count < whole.Count;)
            {
                var page = await admin.GetAsync($"/audit?{query}&limit=3{(next.Length > 0 ? "&after=" + Uri.EscapeDataString(next) : "")}");
                Assert.True(page.Status == 200, page.ToString());
                Assert.True(page.Items.Count is > 0 and <= 3);
                paged.AddRange(page.Items.Select(entry => Text(entry, "id")));
                next = page.Json["next"]?.GetValue<string>();
            }

            Assert.Equal(whole, paged);
        }

        Assert.Empty((await admin.GetAsync("/audit?client=nobody-ever")).Items);
        Assert.Empty((await admin.GetAsync("/audit?client=%00")).Items);
    }

    [Fact]
    public async Task The_end_of_every_token_is_audited_and_immediate()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("emergency", new JsonObject { ["scopes"] = new JsonArray("authcluster:read") });
        var token = await server.TokenAsync(client);
        Assert.Equal(200, (await new AdminCaller(server.Http, token).GetAsync("/clients?limit=1")).Status);

        Assert.Equal(204, (await admin.PostAsync("/revoke-tokens")).Status);

        (await new AdminCaller(server.Http, token).GetAsync("/clients?limit=1")).Refused(401);
        (await admin.GetAsync("/clients?limit=1")).Refused(401);
        var again = await server.CallerAsync();
        Assert.Equal(200, (await new AdminCaller(server.Http, await server.TokenAsync(client)).GetAsync("/clients?limit=1")).Status);
        var entry = (await again.GetAsync("/audit?limit=1")).Items[0];
        Assert.Equal(("cluster.revoke-tokens", "admin-one", "*"), (Text(entry, "action"), Text(entry, "actor"), Text(entry, "target")));
    }

    private static string Text(JsonNode? entry, string member) => entry![member]!.GetValue<string>();

    private static string Name(JsonNode? entry, string side) => Text(entry![side], "name");

    private static bool Enabled(JsonNode? entry, string side) => entry![side]!["enabled"]!.GetValue<bool>();
}
