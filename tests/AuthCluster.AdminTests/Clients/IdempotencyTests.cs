using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.AdminTests.Clients;

/// <summary>A request that is repeated with its <c>Idempotency-Key</c> is carried out once and answered alike.</summary>
[Collection(OnAdminServer.Name)]
public sealed class IdempotencyTests(AdminServer server)
{
    private static int _keys;

    [Fact]
    public async Task A_repeated_creation_is_answered_alike_and_carried_out_once()
    {
        var admin = await server.CallerAsync();
        var key = Key();

        var first = await admin.PostAsync("/clients", """{ "name": "Made once" }""", key);
        var again = await admin.PostAsync("/clients", """{ "name": "Made once" }""", key);

        Same(first, again);
        Assert.Single((await admin.GetAsync("/clients?search=Made once")).Items);
        Assert.Single((await admin.GetAsync($"/audit?client={first.Json["clientId"]}")).Items);
        var client = new TestClient(first.Json["clientId"]!.GetValue<string>(), first.Json["secret"]!.GetValue<string>());
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
    }

    [Fact]
    public async Task Concurrent_requests_with_one_key_create_one_client()
    {
        var admin = await server.CallerAsync();
        var key = Key();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => admin.PostAsync("/clients", """{ "name": "Made at once" }""", key)));

        Assert.All(answers, answer => Same(answers[0], answer));
        Assert.Single((await admin.GetAsync("/clients?search=Made at once")).Items);
    }

    [Fact]
    public async Task A_repeated_request_for_a_secret_is_answered_alike_and_carried_out_once()
    {
        var admin = await server.CallerAsync();
        var (client, _) = await admin.CreateAsync("one-secret");
        var key = Key();

        var first = await admin.PostAsync("/clients/one-secret/secrets", """{ "label": "l", "retireOthersAfter": 60 }""", key);
        await admin.PatchAsync("/clients/one-secret", """{ "name": "changed between" }""");
        var again = await admin.PostAsync("/clients/one-secret/secrets", """{ "label": "l", "retireOthersAfter": 60 }""", key);

        Same(first, again);
        Assert.Equal(2, (await admin.GetAsync("/clients/one-secret/secrets")).Items.Count);
        Assert.Equal(200, (await server.TryTokenAsync(client with { Secret = first.Json["secret"]!.GetValue<string>() })).Status);
    }

    [Fact]
    public async Task A_repeated_request_with_the_same_If_Match_gets_the_same_answer()
    {
        var admin = await server.CallerAsync();
        var (_, created) = await admin.CreateAsync("matched-once");
        var key = Key();

        var first = await admin.PostAsync("/clients/matched-once/secrets", "{}", key, ("If-Match", created.ETag!));
        var again = await admin.PostAsync("/clients/matched-once/secrets", "{}", key, ("If-Match", created.ETag!));

        Same(first, again);
    }

    [Fact]
    public async Task Another_body_under_the_same_key_is_refused()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("key-reused");
        var (forClient, forSecret) = (Key(), Key());
        Assert.Equal(201, (await admin.PostAsync("/clients", """{ "name": "A" }""", forClient)).Status);
        Assert.Equal(201, (await admin.PostAsync("/clients/key-reused/secrets", """{ "label": "a" }""", forSecret)).Status);

        (await admin.PostAsync("/clients", """{ "name": "B" }""", forClient)).Refused(422);
        (await admin.PostAsync("/clients/key-reused/secrets", """{ "label": "b" }""", forSecret)).Refused(422);

        Assert.Equal(2, (await admin.GetAsync("/clients/key-reused/secrets")).Items.Count);
    }

    [Fact]
    public async Task A_key_belongs_to_one_actor_and_one_path()
    {
        var admin = await server.CallerAsync();
        var other = await server.CallerAsync(AdminServer.SecondAdmin);
        await admin.CreateAsync("key-path-1");
        await admin.CreateAsync("key-path-2");
        var key = Key();

        var mine = await admin.PostAsync("/clients", """{ "name": "Own key" }""", key);
        var theirs = await other.PostAsync("/clients", """{ "name": "Own key" }""", key);
        var one = await admin.PostAsync("/clients/key-path-1/secrets", "{}", key);
        var two = await admin.PostAsync("/clients/key-path-2/secrets", "{}", key);

        Assert.All([mine, theirs, one, two], answer => Assert.Equal(201, answer.Status));
        Assert.NotEqual(mine.Json["clientId"]!.GetValue<string>(), theirs.Json["clientId"]!.GetValue<string>());
        Assert.NotEqual(one.Json["secret"]!.GetValue<string>(), two.Json["secret"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_refused_request_does_not_spend_its_key()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("key-taken");
        var (forClient, forSecret) = (Key(), Key());

        (await admin.PostAsync("/clients", """{ "nmae": "x" }""", forClient)).Refused(400);
        (await admin.PostAsync("/clients", """{ "clientId": "key-taken" }""", forClient)).Refused(409);
        Assert.Equal(201, (await admin.PostAsync("/clients", """{ "clientId": "key-free" }""", forClient)).Status);

        (await admin.PostAsync("/clients/key-taken/secrets", "{}", forSecret, ("If-Match", "\"old\""))).Refused(412);
        (await admin.PostAsync("/clients/key-taken/secrets", "{", forSecret)).Refused(400);
        Assert.Equal(201, (await admin.PostAsync("/clients/key-taken/secrets", """{ "label": "at last" }""", forSecret)).Status);
    }

    [Fact]
    public async Task Concurrent_refused_requests_with_one_key_are_refused_and_never_a_fault()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("refused-at-once");

        for (var round = 0; round < 10; round++)
        {
            var key = ("Idempotency-Key", $"refused-at-once-{round}");
            var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => i % 3 == 0
                ? admin.PostAsync("/clients/nobody-at-once/secrets", "{}", key)
                : admin.PostAsync("/clients", """{ "clientId": "refused-at-once" }""", key)));

            Assert.All(answers, answer => Assert.True(answer.Status is 404 or 409, answer.ToString()));
        }
    }

    [Fact]
    public async Task A_repeat_is_answered_and_not_carried_out_again_after_its_result_was_revoked_or_deleted()
    {
        var admin = await server.CallerAsync();
        var (forClient, forSecret) = (Key(), Key());
        var created = await admin.PostAsync("/clients", """{ "clientId": "gone-since" }""", forClient);
        var added = await admin.PostAsync("/clients/gone-since/secrets", "{}", forSecret);
        var secretId = added.Json["secretId"]!.GetValue<string>();
        Assert.Equal(204, (await admin.DeleteAsync($"/clients/gone-since/secrets/{secretId}")).Status);

        Same(added, await admin.PostAsync("/clients/gone-since/secrets", "{}", forSecret));
        Assert.Single((await admin.GetAsync("/clients/gone-since/secrets")).Items);

        Assert.Equal(204, (await admin.DeleteAsync("/clients/gone-since")).Status);
        Same(created, await admin.PostAsync("/clients", """{ "clientId": "gone-since" }""", forClient));
        Same(added, await admin.PostAsync("/clients/gone-since/secrets", "{}", forSecret));
        (await admin.GetAsync("/clients/gone-since")).Refused(404);
        Assert.Empty((await admin.GetAsync("/clients?search=gone-since")).Items);
        Assert.Equal(401, (await server.TryTokenAsync(new TestClient("gone-since", created.Json["secret"]!.GetValue<string>()))).Status);
        Assert.Equal(
            ["client.delete", "secret.revoke", "secret.add", "client.create"],
            (await admin.GetAsync("/audit?client=gone-since")).Items.Select(item => item!["action"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_client_with_given_secrets_is_also_created_once()
    {
        var admin = await server.CallerAsync();
        var key = Key();
        const string Document = """{ "clientId": "given-once", "secrets": [ { "secret": "a given secret of its own", "label": "one" }, { "secret": "another given secret" } ] }""";

        var first = await admin.PostAsync("/clients", Document, key);
        var again = await admin.PostAsync("/clients", Document, key);

        Same(first, again);
        Assert.Null(first.Json["secret"]);
        var listed = (await admin.GetAsync("/clients/given-once/secrets")).Items;
        Assert.Equal(first.Json["secretId"]!.GetValue<string>(), listed[0]!["secretId"]!.GetValue<string>());
        Assert.Equal(["given", "given"], listed.Select(item => item!["kind"]!.GetValue<string>()));
        Assert.Equal(200, (await server.TryTokenAsync(new TestClient("given-once", "another given secret"))).Status);
    }

    [Fact]
    public async Task The_stored_hash_of_a_body_gives_no_way_to_check_guesses_of_a_given_secret()
    {
        var admin = await server.CallerAsync();
        const string Document = """{ "clientId": "not-guessed", "secret": "a secret that is guessable" }""";

        Assert.Equal(201, (await admin.PostAsync("/clients", Document, Key())).Status);

        var kept = Assert.Single(server.Query("select hex(body_hash) from idempotency where client_id = 'not-guessed'"))[0];
        Assert.Equal(64, kept.Length);
        Assert.NotEqual(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Document))), kept);
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("tab\there")]
    public async Task A_key_outside_the_grammar_is_refused(string key)
    {
        var admin = await server.CallerAsync();

        foreach (var path in (string[])["/clients", "/clients/plain/secrets"])
        {
            var answer = await admin.PostAsync(path, "{}", ("Idempotency-Key", key));
            answer.Refused(400);
            Assert.Equal(["Idempotency-Key"], answer.Fields);
        }
    }

    [Fact]
    public async Task A_key_has_255_characters_at_most()
    {
        var admin = await server.CallerAsync();

        (await admin.PostAsync("/clients", "{}", ("Idempotency-Key", new string('k', 256)))).Refused(400);
        (await admin.PostAsync("/clients", "{}", ("Idempotency-Key", "one"), ("Idempotency-Key", "two"))).Refused(400);

        Assert.Equal(201, (await admin.PostAsync("/clients", "{}", ("Idempotency-Key", new string('k', 255)))).Status);
    }

    private static (string Name, string Value) Key() => ("Idempotency-Key", $"!~key-{Interlocked.Increment(ref _keys)}");

    private static void Same(Answer first, Answer again)
    {
        Assert.True(first.Status == 201, first.ToString());
        Assert.True(again.Status == 201, again.ToString());
        Assert.True(JsonNode.DeepEquals(first.Json, again.Json), $"{first}\n{again}");
        Assert.Equal(first.ETag, again.ETag);
        Assert.Equal(first.Location, again.Location);
    }
}
