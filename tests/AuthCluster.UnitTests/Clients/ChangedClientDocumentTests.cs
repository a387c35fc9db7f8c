using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Clients;
using static AuthCluster.UnitTests.Clients.ClientDocuments;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Documents that replace or patch a stored one, files of documents, and documents as they are stored.</summary>
public sealed class ChangedClientDocumentTests
{
    [Fact]
    public void A_stored_document_that_an_earlier_version_let_grow_too_large_is_read()
    {
        var scopes = Enumerable.Range(0, 200).Select(i => $"{i}".PadLeft(128, 's')).ToList();
        var stored = new JsonObject { ["clientId"] = "big", ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]) }.ToJsonString();
        var big = ClientDocumentReader.ReadStored("big", stored);
        Assert.True(ClientId.TryParse("big", out var id));

        Assert.Equal(scopes, big.Scopes);
        Assert.Equal(["$"], ClientDocumentReader.ReadPatch("""{"name":"x"}"""u8.ToArray(), id, stored, ServerLifetime).Errors.Keys);
        Assert.True(ClientDocumentReader.ReadPatch("""{"scopes":["s"]}"""u8.ToArray(), id, stored, ServerLifetime).Succeeded);
    }

    [Theory]
    [InlineData("""{"scopes":["a"]}""", true)]
    [InlineData("""{"clientId":"orders"}""", true)]
    [InlineData("""{"clientId":null,"secret":null,"secrets":[]}""", true)]
    [InlineData("""{"createdAt":"x","updatedAt":1,"lastUsedAt":{"a":[]},"etag":null}""", true)]
    [InlineData("""{"clientId":"Orders"}""", false)]
    [InlineData("""{"secret":"0123456789abcdef"}""", false)]
    [InlineData("""{"secretHash":"x"}""", false)]
    [InlineData("""{"secrets":[{}]}""", false)]
    [InlineData("""{"secretId":"x"}""", false)]
    public void A_replacement_keeps_the_id_and_brings_no_secret(string json, bool good)
    {
        var reading = ClientDocumentReader.ReadReplacement(Encoding.UTF8.GetBytes(json), Id("orders"), null, ServerLifetime);

        Assert.Equal(good, reading.Succeeded);
        Assert.Equal(good ? "orders" : null, reading.Document?.ClientId.Value);
        Assert.Empty(reading.Secrets);
    }

    [Fact]
    public void A_document_from_an_answer_can_be_sent_back()
    {
        var stored = ClientDocumentWriter.ToStoredJson(New(Full).Document!);
        var answer = Answer(stored, new ClientAnswerMembers { Enabled = true, CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch, LastUsedAt = DateTimeOffset.UnixEpoch, ETag = "\"7\"" });

        var reading = ClientDocumentReader.ReadReplacement(Encoding.UTF8.GetBytes(answer), Id("orders"), null, ServerLifetime);

        Assert.Empty(reading.Errors);
        Assert.True(reading.Document!.Enabled);
        Assert.Equal(stored, ClientDocumentWriter.ToStoredJson(reading.Document));
    }

    [Theory]
    [InlineData("""{"name":"New"}""", """{"clientId":"orders","name":"New","grantTypes":["client_credentials"],"scopes":["a","b"],"audiences":[],"introspects":[],"tokenReuseSeconds":0,"authMethods":["client_secret_basic","client_secret_post"],"rateLimit":{"tokensPerSecond":5,"enforce":true},"claims":{"x":{"y":1,"z":2}},"metadata":{"owner":"me"}}""", null)]
    [InlineData("""{"scopes":["c"],"rateLimit":{"tokensPerSecond":9},"claims":{"x":{"y":null}},"metadata":null,"enabled":false}""", """{"clientId":"orders","name":"Orders","grantTypes":["client_credentials"],"scopes":["c"],"audiences":[],"introspects":[],"tokenReuseSeconds":0,"authMethods":["client_secret_basic","client_secret_post"],"rateLimit":{"tokensPerSecond":9,"enforce":true},"claims":{"x":{"z":2}},"metadata":{}}""", false)]
    [InlineData("""{"rateLimit":null,"claims":null,"name":null,"enabled":null,"clientId":null}""", """{"clientId":"orders","name":"orders","grantTypes":["client_credentials"],"scopes":["a","b"],"audiences":[],"introspects":[],"tokenReuseSeconds":0,"authMethods":["client_secret_basic","client_secret_post"],"claims":{},"metadata":{"owner":"me"}}""", null)]
    public void A_patch_is_merged_and_then_handled_as_a_replacement(string patch, string stored, bool? enabled)
    {
        var reading = Patch(patch);

        Assert.Empty(reading.Errors);
        Assert.Equal(stored, ClientDocumentWriter.ToStoredJson(reading.Document!));
        Assert.Equal(enabled, reading.Document!.Enabled);
    }

    [Theory]
    [InlineData("$", "[]")]
    [InlineData("$", "null")]
    [InlineData("$", "\"x\"")]
    [InlineData("scopes", """{"scopes":["a"],"scopes":["b"]}""")]
    [InlineData("defaultScopes[0]", """{"defaultScopes":["c"]}""")]
    [InlineData("claims.x[0]", """{"claims":{"x":[null]}}""")]
    [InlineData("clientId", """{"clientId":"other"}""")]
    [InlineData("secret", """{"secret":"0123456789abcdef"}""")]
    [InlineData("typo", """{"typo":1}""")]
    [InlineData("authMethods", """{"authMethods":[]}""")]
    public void A_bad_patch_is_named_by_its_field(string path, string patch) => Assert.Equal([path], Patch(patch).Errors.Keys);

    [Fact]
    public void A_file_is_a_list_of_documents_with_their_secrets()
    {
        var reading = File("""[{"clientId":"a","secret":"0123456789abcdef"},{"clientId":"b","secrets":[{"secretHash":"aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A=","label":"old","notBefore":"2020-01-01T00:00:00Z","expiresAt":"2030-01-01T01:00:00+01:00"},{"secret":"acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854"}]}]""");

        Assert.Empty(reading.Errors);
        Assert.Equal(["a", "b"], reading.Clients.Select(client => client.Document!.ClientId.Value));
        Assert.False(Assert.Single(reading.Clients[0].Secrets).IsGenerated);
        var imported = reading.Clients[1].Secrets[0];
        Assert.Equal(SecretHashAlgorithm.Sha256, imported.Hash!.Algorithm);
        Assert.Equal("old", imported.Label);
        Assert.Equal(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), imported.NotBefore);
        Assert.Equal(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), imported.ExpiresAt);
        Assert.True(reading.Clients[1].Secrets[1].IsGenerated);
    }

    [Theory]
    [InlineData("$", "{}")]
    [InlineData("$", "")]
    [InlineData("[0]", "[1]")]
    [InlineData("[0].clientId", "[{}]")]
    [InlineData("[1].clientId", """[{"clientId":"a"},{"clientId":"a"}]""")]
    [InlineData("[1].scopes[0]", """[{"clientId":"a"},{"clientId":"b","scopes":["x y"]}]""")]
    [InlineData("[1].name", """[{"clientId":"a"},{"clientId":"b","name":"x","name":"y"}]""")]
    public void A_bad_file_is_named_by_client_and_field(string path, string json)
    {
        var reading = File(json);

        Assert.Equal([path], reading.Errors.Keys);
        Assert.Empty(reading.Clients);
    }

    [Fact]
    public void A_stored_document_is_read_back_as_it_was()
    {
        var document = New(Full).Document!;

        var read = ClientDocumentReader.ReadStored("orders", ClientDocumentWriter.ToStoredJson(document));

        Assert.Null(read.Enabled);
        Assert.Equal(ClientDocumentWriter.ToStoredJson(document), ClientDocumentWriter.ToStoredJson(read));
        Assert.Equal(document.RateLimit, read.RateLimit);
        Assert.Equal(document.Quota, read.Quota);
    }

    [Fact]
    public void A_stored_document_of_a_newer_version_is_read_by_what_is_known_of_it()
    {
        var read = ClientDocumentReader.ReadStored("orders", """{"clientId":"orders","scopes":["a"],"allowedNetworks":["10.0.0.0/8"],"later":{"x":1},"rateLimit":{"tokensPerSecond":1,"later":true}}""");

        Assert.Equal(["a"], read.Scopes);
        Assert.Equal(1, read.RateLimit!.TokensPerSecond);
    }

    [Fact]
    public void A_stored_reuse_time_above_the_servers_lifetime_is_still_read() =>
        Assert.Equal(40_000, ClientDocumentReader.ReadStored("orders", """{"tokenReuseSeconds":40000}""").TokenReuseSeconds);

    [Theory]
    [InlineData("orders", "")]
    [InlineData("orders", "[]")]
    [InlineData("orders", "{")]
    [InlineData("orders", """{"scopes":"a"}""")]
    [InlineData("orders", """{"name":"\uD83D"}""")]
    [InlineData("orders", """{"clientId":"other"}""")]
    [InlineData("not an id", "{}")]
    public void A_stored_document_that_cannot_be_read_is_a_format_error(string id, string json) =>
        Assert.Throws<FormatException>(() => ClientDocumentReader.ReadStored(id, json));

    [Fact]
    public void An_answer_has_the_members_that_the_server_makes_and_those_it_does_not_know()
    {
        var members = new ClientAnswerMembers
        {
            Enabled = false,
            CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            UpdatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 500, TimeSpan.Zero),
        };
        const string Stored = """{"clientId":"a","later":[1]}""";

        Assert.Equal(
            """{"clientId":"a","later":[1],"enabled":false,"createdAt":"2026-01-02T03:04:05Z","updatedAt":"2026-01-02T03:04:05.5Z"}""",
            Answer(Stored, members));
        Assert.EndsWith(
            ""","lastUsedAt":"1970-01-01T00:00:00Z","etag":"\"3\"","secretId":"s1","secret":"acs_x"}""",
            Answer(Stored, members with { LastUsedAt = DateTimeOffset.UnixEpoch, ETag = "\"3\"", SecretId = "s1", Secret = "acs_x" }),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"tokenLifetimeSecs":null,"name":null}""", "tokenLifetimeSecs")]
    [InlineData("""{"Name":null}""", "Name")]
    [InlineData("""{"rateLimit":{"brst":null,"burst":null}}""", "rateLimit.brst")]
    [InlineData("""{"rateLimit":{"tokens":null}}""", "rateLimit.tokens")]
    [InlineData("""{"quota":{"tokens":1,"per":"day","burst":null}}""", "quota.burst")]
    public void A_patch_that_removes_an_unknown_member_is_refused_by_the_members_name(string patch, string field) =>
        Assert.Equal([field], Patch(patch).Errors.Keys);

    [Theory]
    [InlineData("""{"claims":{"unheard-of":null},"metadata":{"unheard-of":null}}""")]
    [InlineData("""{"rateLimit":{"burst":null,"enforce":null},"quota":null,"allowedNetworks":null}""")]
    [InlineData("""{"createdAt":null,"updatedAt":null,"lastUsedAt":null,"etag":null,"secret":null,"secretHash":null,"secrets":null}""")]
    public void A_patch_may_remove_a_known_member_that_the_document_lacks(string patch) => Assert.Empty(Patch(patch).Errors);
}
