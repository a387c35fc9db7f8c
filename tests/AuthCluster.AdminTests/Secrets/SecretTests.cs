using System.Globalization;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Secrets;

/// <summary>Secrets over the admin API: each call and each refusal.</summary>
[Collection(OnAdminServer.Name)]
public sealed class SecretTests(AdminServer server)
{
    [Fact]
    public async Task An_added_secret_works_beside_the_first_and_is_shown_once()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("two-secrets", new JsonObject { ["scopes"] = new JsonArray("read") });

        var added = await admin.PostAsync("/clients/two-secrets/secrets", """{ "label": "Friday's", "expiresAt": "2099-01-01T00:00:00Z" }""");

        Assert.True(added.Status == 201, added.ToString());
        Assert.True(added.NotStored);
        var secretId = added.Json["secretId"]!.GetValue<string>();
        Assert.Equal($"/admin/v1/clients/two-secrets/secrets/{secretId}", added.Location);
        Assert.Equal(["createdAt", "expiresAt", "label", "secret", "secretId"], Members(added.Json));
        var second = client with { Secret = added.Json["secret"]!.GetValue<string>() };
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(200, (await server.TryTokenAsync(second)).Status);
        var listed = await admin.GetAsync("/clients/two-secrets/secrets");
        Assert.Equal([created.Json["secretId"]!.GetValue<string>(), secretId], listed.Items.Select(IdOf));
        Assert.Equal(added.ETag, listed.ETag);
        Assert.All(listed.Items, item => Assert.Equal("generated", item!["kind"]!.GetValue<string>()));
        var one = await admin.GetAsync($"/clients/two-secrets/secrets/{secretId}");
        Assert.Equal("Friday's", one.Json["label"]!.GetValue<string>());
        Assert.Equal("2099-01-01T00:00:00Z", one.Json["expiresAt"]!.GetValue<string>());
        Assert.Equal(added.Json["createdAt"]!.GetValue<string>(), one.Json["createdAt"]!.GetValue<string>());
        Assert.DoesNotContain(second.Secret, listed.Body + one.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_that_has_ended_already_is_not_created()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("ended-already");

        foreach (var wish in (string[])["""{ "expiresAt": "2020-01-01T00:00:00Z" }""", """{ "retireOthersAfter": 0, "expiresAt": "2020-01-01T00:00:00Z" }"""])
        {
            var added = await admin.PostAsync("/clients/ended-already/secrets", wish, ("Idempotency-Key", "ended-already"));
            added.Refused(400);
            Assert.Equal(["expiresAt"], added.Fields);
        }

        var created = await admin.PostAsync("/clients", """
            { "clientId": "ended-too", "secrets": [ { "secret": "long enough to be one", "expiresAt": "2099-01-01T00:00:00Z" }, { "secret": "long enough to be another", "expiresAt": "2020-01-01T00:00:00Z" } ] }
            """, ("Idempotency-Key", "ended-too"));
        created.Refused(400);
        Assert.Equal(["secrets[1].expiresAt"], created.Fields);
        (await admin.GetAsync("/clients/ended-too")).Refused(404);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Single((await admin.GetAsync("/clients/ended-already/secrets")).Items);
        // A refusal does not spend the key.
        Assert.Equal(201, (await admin.PostAsync("/clients/ended-already/secrets", """{ "label": "better" }""", ("Idempotency-Key", "ended-already"))).Status);
    }

    [Fact]
    public async Task A_repeat_after_the_end_of_the_secret_is_answered_as_the_first_time()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("repeated-late");
        var ends = DateTimeOffset.UtcNow.AddSeconds(2);
        var wish = $$"""{ "expiresAt": "{{Text(ends)}}" }""";
        var first = await admin.PostAsync("/clients/repeated-late/secrets", wish, ("Idempotency-Key", "late"));
        Assert.True(first.Status == 201, first.ToString());

        await Eventually.HoldsAsync("the secret has ended", TimeSpan.FromSeconds(10), () => Task.FromResult(DateTimeOffset.UtcNow > ends), TestContext.Current.CancellationToken);

        Assert.Equal(first.Body, (await admin.PostAsync("/clients/repeated-late/secrets", wish, ("Idempotency-Key", "late"))).Body);
        (await admin.PostAsync("/clients/repeated-late/secrets", wish, ("Idempotency-Key", "later"))).Refused(400);
    }

    [Fact]
    public async Task The_other_secrets_are_not_retired_for_a_secret_that_is_not_valid_by_then()
    {
        var admin = await server.CallerAsync();
        var id = $"kept-{Guid.NewGuid():n}";
        var (client, _) = await admin.CreateAsync(id);

        Assert.Equal(409, (await admin.PostAsync($"/clients/{id}/secrets", """{ "retireOthersAfter": 0, "notBefore": "2099-01-01T00:00:00Z" }""")).Status);

        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Single((await admin.GetAsync($"/clients/{id}/secrets")).Items);
    }

    [Fact]
    public async Task A_secret_with_default_values_needs_no_body()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("no-wish");

        var added = await admin.PostAsync("/clients/no-wish/secrets");

        Assert.True(added.Status == 201, added.ToString());
        Assert.Equal(["createdAt", "secret", "secretId"], Members(added.Json));
    }

    [Fact]
    public async Task A_secret_is_not_valid_before_its_start_nor_from_its_end_on()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("timed");
        var later = await AddAsync(admin, "timed", new JsonObject { ["notBefore"] = Text(DateTimeOffset.UtcNow.AddHours(1)) });
        var ends = DateTimeOffset.UtcNow.AddSeconds(2);
        var short_ = await AddAsync(admin, "timed", new JsonObject { ["expiresAt"] = Text(ends) });

        Assert.Equal(401, (await server.TryTokenAsync(client with { Secret = later.Secret })).Status);
        if (DateTimeOffset.UtcNow < ends.AddSeconds(-1))
        {
            Assert.Equal(200, (await server.TryTokenAsync(client with { Secret = short_.Secret })).Status);
        }

        await Eventually.HoldsAsync(
            "the secret has ended", TimeSpan.FromSeconds(10),
            async () => (await server.TryTokenAsync(client with { Secret = short_.Secret })).Status == 401,
            TestContext.Current.CancellationToken);
        Assert.True(DateTimeOffset.UtcNow >= ends.AddSeconds(-1), "A second is the fraction that the test cut off.");
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
    }

    [Fact]
    public async Task The_other_secrets_retire_in_the_same_write_and_none_of_them_is_extended()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("rotated");
        var soon = DateTimeOffset.UtcNow.AddMinutes(5);
        var endsSoon = await AddAsync(admin, "rotated", new JsonObject { ["expiresAt"] = Text(soon) });

        var added = await admin.PostAsync("/clients/rotated/secrets", """{ "label": "new", "retireOthersAfter": 259200 }""");

        var friday = Time(added.Json["createdAt"]).AddSeconds(259_200);
        var secrets = (await admin.GetAsync("/clients/rotated/secrets")).Items.ToDictionary(IdOf, item => item!["expiresAt"]);
        Assert.Equal(friday, Time(secrets[created.Json["secretId"]!.GetValue<string>()]));
        Assert.Equal(soon.ToUnixTimeSeconds(), Time(secrets[endsSoon.Id]).ToUnixTimeSeconds());
        Assert.Null(secrets[added.Json["secretId"]!.GetValue<string>()]);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);

        var now = await admin.PostAsync("/clients/rotated/secrets", """{ "retireOthersAfter": 0 }""");
        Assert.Equal(401, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(200, (await server.TryTokenAsync(client with { Secret = now.Json["secret"]!.GetValue<string>() })).Status);
    }

    [Fact]
    public async Task A_revoked_secret_is_refused_as_soon_as_the_call_has_answered()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("revoked-secret");
        await AddAsync(admin, "revoked-secret", []);
        var firstId = created.Json["secretId"]!.GetValue<string>();
        var etag = (await admin.GetAsync("/clients/revoked-secret")).ETag;

        (await admin.DeleteAsync($"/clients/revoked-secret/secrets/{firstId}", ("If-Match", "\"old\""))).Refused(412);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(204, (await admin.DeleteAsync($"/clients/revoked-secret/secrets/{firstId}", ("If-Match", etag!))).Status);

        Assert.Equal(401, (await server.TryTokenAsync(client)).Status);
        (await admin.GetAsync($"/clients/revoked-secret/secrets/{firstId}")).Refused(404);
        (await admin.DeleteAsync($"/clients/revoked-secret/secrets/{firstId}")).Refused(404);
        Assert.NotEqual(etag, (await admin.GetAsync("/clients/revoked-secret")).ETag);
    }

    [Fact]
    public async Task The_last_valid_secret_can_be_removed_only_by_force()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("last-secret");
        var path = $"/clients/last-secret/secrets/{created.Json["secretId"]}";
        // A secret that is not valid yet does not count.
        var later = await AddAsync(admin, "last-secret", new JsonObject { ["notBefore"] = "2098-01-01T00:00:00Z" });

        (await admin.DeleteAsync(path)).Refused(409);
        (await admin.DeleteAsync(path + "?force=false")).Refused(409);
        var badFlag = await admin.DeleteAsync(path + "?force=maybe");
        badFlag.Refused(400);
        Assert.Equal(["force"], badFlag.Fields);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(204, (await admin.DeleteAsync(path + "?force=true")).Status);

        Assert.Equal(401, (await server.TryTokenAsync(client)).Status);
        // A secret that is not valid may be removed without force.
        Assert.Equal(204, (await admin.DeleteAsync($"/clients/last-secret/secrets/{later.Id}")).Status);
        Assert.Empty((await admin.GetAsync("/clients/last-secret/secrets")).Items);
    }

    [Fact]
    public async Task The_secrets_of_an_unknown_client_are_not_found()
    {
        var admin = await server.CallerAsync();

        (await admin.GetAsync("/clients/nobody/secrets")).Refused(404);
        (await admin.GetAsync("/clients/nobody/secrets/x")).Refused(404);
        (await admin.PostAsync("/clients/nobody/secrets", "{}")).Refused(404);
        (await admin.DeleteAsync("/clients/nobody/secrets/x")).Refused(404);
        (await admin.GetAsync("/clients/plain/secrets/unknown")).Refused(404);
        (await admin.DeleteAsync("/clients/plain/secrets/unknown")).Refused(404);
        (await admin.DeleteAsync("/clients/plain/secrets/" + new string('x', 200))).Refused(404);
    }

    [Theory]
    [InlineData("""{ "lable": "x" }""", "lable")]
    [InlineData("""{ "label": "tail\u202Egnol" }""", "label")]
    [InlineData("""{ "label": 5 }""", "label")]
    [InlineData("""{ "label": "a", "label": "b" }""", "label")]
    [InlineData("""{ "secret": "my own secret of my own" }""", "secret")]
    [InlineData("""{ "notBefore": "tomorrow" }""", "notBefore")]
    [InlineData("""{ "expiresAt": "2030-13-01T00:00:00Z" }""", "expiresAt")]
    [InlineData("""{ "notBefore": "2031-01-01T00:00:00Z", "expiresAt": "2030-01-01T00:00:00Z" }""", "expiresAt")]
    [InlineData("""{ "retireOthersAfter": -1 }""", "retireOthersAfter")]
    [InlineData("""{ "retireOthersAfter": 315360001 }""", "retireOthersAfter")]
    [InlineData("""{ "retireOthersAfter": "1h" }""", "retireOthersAfter")]
    [InlineData("[]", "$")]
    [InlineData("{", "$")]
    public async Task A_bad_request_for_a_secret_is_refused_by_field(string body, string field)
    {
        var answer = await (await server.CallerAsync()).PostAsync("/clients/plain/secrets", body);

        answer.Refused(400);
        Assert.Contains(field, answer.Fields);
    }

    [Fact]
    public async Task A_secret_is_not_added_with_an_old_etag()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("added-by-etag");

        (await admin.PostAsync("/clients/added-by-etag/secrets", "{}", ("If-Match", "\"old\""))).Refused(412);
        (await admin.PostAsync("/clients/added-by-etag/secrets", "{}", ("If-Match", "old"))).Refused(400);
        Assert.Equal(201, (await admin.PostAsync("/clients/added-by-etag/secrets", "{}", ("If-Match", created.ETag!))).Status);

        Assert.Equal(2, (await admin.GetAsync("/clients/added-by-etag/secrets")).Items.Count);
    }

    [Fact]
    public async Task A_client_has_32_secrets_at_most()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("many-secrets");
        for (var i = 1; i < 32; i++)
        {
            await AddAsync(admin, "many-secrets", []);
        }

        (await admin.PostAsync("/clients/many-secrets/secrets", "{}")).Refused(409);

        var secrets = (await admin.GetAsync("/clients/many-secrets/secrets")).Items;
        Assert.Equal(32, secrets.Count);
        Assert.Equal(204, (await admin.DeleteAsync($"/clients/many-secrets/secrets/{IdOf(secrets[0])}")).Status);
        await AddAsync(admin, "many-secrets", []);
    }

    [Fact]
    public async Task Each_secret_shows_its_own_last_use_to_the_minute()
    {
        var admin = await server.CallerAsync();
        var (client, created) = await admin.CreateAsync("used-secret");
        var unused = await AddAsync(admin, "used-secret", []);
        var before = await admin.GetAsync("/clients/used-secret");
        var from = DateTimeOffset.UtcNow;
        await server.TokenAsync(client);
        var path = $"/clients/used-secret/secrets/{created.Json["secretId"]}";

        await Eventually.HoldsAsync(
            "the use is shown", TimeSpan.FromSeconds(4),
            async () => (await admin.GetAsync(path)).Json["lastUsedAt"] is not null,
            TestContext.Current.CancellationToken);

        var used = Time((await admin.GetAsync(path)).Json["lastUsedAt"]);
        Assert.Equal(0, used.UtcTicks % TimeSpan.TicksPerMinute);
        Assert.InRange(used, from.AddMinutes(-1), DateTimeOffset.UtcNow);
        Assert.Null((await admin.GetAsync($"/clients/used-secret/secrets/{unused.Id}")).Json["lastUsedAt"]);
        Assert.Equal(before.ETag, (await admin.GetAsync("/clients/used-secret")).ETag);
    }

    [Fact]
    public async Task Tokens_write_no_row_of_their_client()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("hundred-tokens");
        await server.TokenAsync(client);
        var version = Version();

        for (var i = 0; i < 100; i++)
        {
            await server.TokenAsync(client);
        }

        Assert.Equal(version, Version());

        string Version() => Assert.Single(server.Query("select version from grain_state where grain_key = 'c:hundred-tokens'"))[0];
    }

    private static string[] Members(JsonNode json) => [.. json.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal)];

    private static string IdOf(JsonNode? item) => item!["secretId"]!.GetValue<string>();

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(JsonNode? text) => DateTimeOffset.Parse(text!.GetValue<string>(), CultureInfo.InvariantCulture);

    private static async Task<(string Id, string Secret)> AddAsync(AdminCaller admin, string clientId, JsonObject wish)
    {
        var added = await admin.PostAsync($"/clients/{clientId}/secrets", wish.ToJsonString());
        Assert.True(added.Status == 201, added.ToString());
        return (IdOf(added.Json), added.Json["secret"]!.GetValue<string>());
    }
}
