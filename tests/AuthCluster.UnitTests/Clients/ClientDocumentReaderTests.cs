using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using CsCheck;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Client documents as they come in.</summary>
public sealed class ClientDocumentReaderTests
{
    private const int ServerLifetime = 3_600;
    private static readonly ClientId Generated = Id("generated");

    private const string Full =
        """
        {
          "clientId": "orders", "name": "Orders — Zürich", "enabled": false, "grantTypes": [],
          "scopes": ["read", "write", "authcluster:read"], "defaultScopes": ["write"],
          "audiences": ["https://one.example/api", "inventory"], "introspects": ["inventory"],
          "tokenLifetimeSeconds": 120, "tokenReuseSeconds": 60, "authMethods": ["client_secret_post"],
          "rateLimit": { "tokensPerSecond": 0.5, "burst": 7, "enforce": false },
          "quota": { "tokens": 1000000000000, "per": "month", "enforce": false },
          "allowedNetworks": [],
          "claims": { "tenant": "t1", "list": [1, -2.50, true, { "a": "ü" }] },
          "metadata": { "owner": "team-a", "empty": "" },
          "secret": "0123456789abcdef"
        }
        """;

    [Fact]
    public void A_full_document_is_read()
    {
        var reading = New(Full);

        var document = reading.Document!;
        Assert.Equal("orders", document.ClientId.Value);
        Assert.Equal("Orders — Zürich", document.Name);
        Assert.False(document.Enabled);
        Assert.Empty(document.GrantTypes);
        Assert.False(document.AllowsClientCredentials);
        Assert.Equal(["read", "write", "authcluster:read"], document.Scopes);
        Assert.Equal(["write"], document.EffectiveDefaultScopes);
        Assert.Equal(["https://one.example/api", "inventory"], document.Audiences);
        Assert.Equal(["inventory"], document.Introspects);
        Assert.Equal(120, document.TokenLifetimeSeconds);
        Assert.Equal(60, document.TokenReuseSeconds);
        Assert.Equal([ClientAuthMethod.ClientSecretPost], document.AuthMethods);
        Assert.Equal(new ClientRateLimit { TokensPerSecond = 0.5, RegisteredBurst = 7, Enforce = false }, document.RateLimit);
        Assert.Equal(new ClientQuota { Tokens = 1_000_000_000_000, Per = QuotaPeriod.Month, Enforce = false }, document.Quota);
        Assert.Equal("""{"tenant":"t1","list":[1,-2.50,true,{"a":"ü"}]}""", document.ClaimsJson);
        Assert.Equal("team-a", document.Owner);
        Assert.Equal("", document.Metadata["empty"]);
        Assert.Equal("0123456789abcdef", Assert.Single(reading.Secrets).Secret);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"clientId":null,"name":null,"enabled":null,"grantTypes":null,"scopes":null,"defaultScopes":null,"audiences":null,"introspects":null,"tokenLifetimeSeconds":null,"tokenReuseSeconds":null,"authMethods":null,"rateLimit":null,"quota":null,"allowedNetworks":null,"claims":null,"metadata":null,"secret":null,"secretHash":null,"secrets":null}""")]
    [InlineData("""{"scopes":[],"audiences":[],"secrets":[],"claims":{},"metadata":{"x":null}}""")]
    public void What_is_absent_or_null_takes_its_default(string json)
    {
        var reading = New(json);

        var document = reading.Document!;
        Assert.Equal(Generated, document.ClientId);
        Assert.Equal("generated", document.Name);
        Assert.Null(document.Enabled);
        Assert.Equal(["client_credentials"], document.GrantTypes);
        Assert.True(document.AllowsClientCredentials);
        Assert.Empty(document.Scopes);
        Assert.Null(document.DefaultScopes);
        Assert.Empty(document.Audiences);
        Assert.Null(document.TokenLifetimeSeconds);
        Assert.Equal(0, document.TokenReuseSeconds);
        Assert.Equal([ClientAuthMethod.ClientSecretBasic, ClientAuthMethod.ClientSecretPost], document.AuthMethods);
        Assert.Null(document.RateLimit);
        Assert.Null(document.Quota);
        Assert.Null(document.ClaimsJson);
        Assert.Empty(document.Metadata);
        Assert.Empty(reading.Secrets);
    }

    [Fact]
    public void Default_scopes_that_are_absent_are_all_and_an_empty_list_is_none()
    {
        Assert.Equal(["a", "b"], New("""{"scopes":["a","b"]}""").Document!.EffectiveDefaultScopes);
        Assert.Empty(New("""{"scopes":["a","b"],"defaultScopes":[]}""").Document!.EffectiveDefaultScopes);
    }

    [Fact]
    public void A_burst_that_is_absent_is_one_seconds_worth()
    {
        Assert.Equal(50, New("""{"rateLimit":{"tokensPerSecond":50}}""").Document!.RateLimit!.Burst);
        Assert.Equal(1, New("""{"rateLimit":{"tokensPerSecond":0.01,"burst":null,"enforce":null}}""").Document!.RateLimit!.Burst);
    }

    [Theory]
    [InlineData("""{"client_id":"a"}""", "client_id", "{{\"{0}\":null}}")]
    [InlineData("""{"quota":{"token":1}}""", "quota.token", "{{\"quota\":{{\"tokens\":1,\"per\":\"day\",\"{0}\":null}}}}")]
    [InlineData("""{"rateLimit":{"rate":1}}""", "rateLimit.rate", "{{\"rateLimit\":{{\"tokensPerSecond\":1,\"{0}\":null}}}}")]
    [InlineData("""{"secrets":[{"expires":1}]}""", "secrets[0].expires", "{{\"secrets\":[{{\"secretHash\":null,\"secret\":\"0123456789abcdef\",\"{0}\":null}}]}}")]
    public void The_refusal_of_a_member_that_is_not_known_names_those_that_are(string json, string field, string documentWith)
    {
        var problem = New(json).Errors[field];

        var members = problem[(problem.IndexOf("has ", StringComparison.Ordinal) + 4)..].TrimEnd('.').Split([", ", " and "], StringSplitOptions.None);
        Assert.True(members.Length > 2, problem);
        foreach (var member in members)
        {
            var names = New(string.Format(CultureInfo.InvariantCulture, documentWith, member)).Errors.Values;
            Assert.DoesNotContain(names, value => value.StartsWith("Is no member", StringComparison.Ordinal));
        }
    }

    public static TheoryData<string, string> Wrong { get; } = new()
    {
        { "$", "" },
        { "$", "null" },
        { "$", "[]" },
        { "$", "{" },
        { "$", "{}{}" },
        { "$", "{} x" },
        { "$", """{"name":"a",}""" },
        { "$", """{/*comment*/}""" },
        { "$", "// comment\n{}" },
        { "$", """{'name':'a'}""" },
        { "$", """{"name":NaN}""" },
        { "name", """{"name":"a","name":"a"}""" },
        { "name", """{"name":"a","n\u0061me":"a"}""" },
        { "createdAt", """{"createdAt":1,"createdAt":1}""" },
        { "claims.a.b", """{"claims":{"a":{"b":1,"b":2}}}""" },
        { "secrets[1].label", """{"secrets":[{"secret":"0123456789abcdef"},{"label":"a","label":"b"}]}""" },
        { "metadata.x", """{"metadata":{"x":"1","x":"2"}}""" },
        { "unknown", """{"unknown":null}""" },
        { "Name", """{"Name":"a"}""" },
        { "(unprintable)", """{"a\u202Eb":1}""" },
        { "clientId", """{"clientId":""}""" },
        { "clientId", """{"clientId":"a b"}""" },
        { "clientId", """{"clientId":".."}""" },
        { "clientId", """{"clientId":"acs_x"}""" },
        { "clientId", """{"clientId":1}""" },
        { "name", """{"name":""}""" },
        { "name", """{"name":"a\u0000"}""" },
        { "name", """{"name":"a\u202E"}""" },
        { "name", """{"name":"a\uD83D"}""" },
        { "name", """{"name":"a\n"}""" },
        { "name", """{"name":["a"]}""" },
        { "enabled", """{"enabled":"true"}""" },
        { "enabled", """{"enabled":1}""" },
        { "grantTypes[0]", """{"grantTypes":["password"]}""" },
        { "grantTypes[1]", """{"grantTypes":["client_credentials","client_credentials"]}""" },
        { "scopes", """{"scopes":"read"}""" },
        { "scopes", """{"scopes":{"0":"read"}}""" },
        { "scopes[0]", """{"scopes":[null]}""" },
        { "scopes[0]", """{"scopes":[""]}""" },
        { "scopes[0]", """{"scopes":["a b"]}""" },
        { "scopes[0]", """{"scopes":["a\"b"]}""" },
        { "scopes[0]", """{"scopes":["ä"]}""" },
        { "scopes[2]", """{"scopes":["a","b","a"]}""" },
        { "scopes[1]", """{"scopes":["a","authcluster:write"]}""" },
        { "scopes[0]", """{"scopes":["authcluster:"]}""" },
        { "defaultScopes[1]", """{"scopes":["a"],"defaultScopes":["a","b"]}""" },
        { "defaultScopes[0]", """{"defaultScopes":["a"]}""" },
        { "defaultScopes[1]", """{"scopes":["a"],"defaultScopes":["a","a"]}""" },
        { "audiences[0]", """{"audiences":["https://one.example#x"]}""" },
        { "audiences[0]", """{"audiences":["a b"]}""" },
        { "audiences[1]", """{"audiences":["a","a"]}""" },
        { "introspects[0]", """{"introspects":[""]}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":59}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":86401}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":60.5}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":"60"}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":4294967356}""" },
        { "tokenLifetimeSeconds", """{"tokenLifetimeSeconds":1e99}""" },
        { "tokenReuseSeconds", """{"tokenReuseSeconds":-1}""" },
        { "tokenReuseSeconds", """{"tokenReuseSeconds":61,"tokenLifetimeSeconds":121}""" },
        { "tokenReuseSeconds", """{"tokenReuseSeconds":1801}""" },
        { "authMethods", """{"authMethods":[]}""" },
        { "authMethods[0]", """{"authMethods":["none"]}""" },
        { "authMethods[0]", """{"authMethods":["private_key_jwt"]}""" },
        { "authMethods[1]", """{"authMethods":["client_secret_basic","client_secret_basic"]}""" },
        { "rateLimit", """{"rateLimit":5}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{}}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{"tokensPerSecond":0}}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{"tokensPerSecond":0.009}}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{"tokensPerSecond":1000001}}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{"tokensPerSecond":1e999}}""" },
        { "rateLimit.tokensPerSecond", """{"rateLimit":{"tokensPerSecond":"5"}}""" },
        { "rateLimit.burst", """{"rateLimit":{"tokensPerSecond":1,"burst":0}}""" },
        { "rateLimit.burst", """{"rateLimit":{"tokensPerSecond":1,"burst":10000001}}""" },
        { "rateLimit.enforce", """{"rateLimit":{"tokensPerSecond":1,"enforce":"no"}}""" },
        { "rateLimit.per", """{"rateLimit":{"tokensPerSecond":1,"per":"hour"}}""" },
        { "quota.tokens", """{"quota":{"per":"hour"}}""" },
        { "quota.per", """{"quota":{"tokens":1}}""" },
        { "quota.per", """{"quota":{"tokens":1,"per":"week"}}""" },
        { "quota.tokens", """{"quota":{"tokens":0,"per":"hour"}}""" },
        { "quota.tokens", """{"quota":{"tokens":1000000000001,"per":"hour"}}""" },
        { "quota.burst", """{"quota":{"tokens":1,"per":"hour","burst":1}}""" },
        { "allowedNetworks", """{"allowedNetworks":["10.0.0.0/8"]}""" },
        { "claims", """{"claims":[]}""" },
        { "claims.sub", """{"claims":{"sub":"x"}}""" },
        { "claims.nbf", """{"claims":{"nbf":1}}""" },
        { "claims.cnf", """{"claims":{"cnf":{}}}""" },
        { "claims.may_act", """{"claims":{"may_act":{}}}""" },
        { "claims.gen", """{"claims":{"gen":1}}""" },
        { "claims.", """{"claims":{"":1}}""" },
        { "claims.a", """{"claims":{"a":null}}""" },
        { "claims.a[1].b", """{"claims":{"a":[1,{"b":null}]}}""" },
        { "claims.a", """{"claims":{"a":"x\u0007"}}""" },
        { "claims.a.(unprintable)", """{"claims":{"a":{"x\u200B":1}}}""" },
        { "claims.a", """{"claims":{"a":1e999}}""" },
        { "claims.2.3.4.5.6.7.8.9", """{"claims":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{"9":{}}}}}}}}}}""" },
        { "metadata", """{"metadata":"x"}""" },
        { "metadata.x", """{"metadata":{"x":1}}""" },
        { "metadata.x", """{"metadata":{"x":"a\u2028"}}""" },
        { "metadata.", """{"metadata":{"":"a"}}""" },
        { "secret", """{"secret":"short"}""" },
        { "secret", """{"secret":"0123456789abcdefé"}""" },
        { "secret", """{"secret":1}""" },
        { "secretHash", """{"secretHash":"nonsense"}""" },
        { "secretHash", """{"secret":"0123456789abcdef","secretHash":"aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A="}""" },
        { "secrets", """{"secret":"0123456789abcdef","secrets":[{"secret":"0123456789abcdeg"}]}""" },
        { "secret", """{"secrets":[{"secret":"0123456789abcdeg"}],"secret":"0123456789abcdef"}""" },
        { "secrets", """{"secrets":{}}""" },
        { "secrets[0]", """{"secrets":["0123456789abcdef"]}""" },
        { "secrets[0]", """{"secrets":[{"label":"a"}]}""" },
        { "secrets[0]", """{"secrets":[{"secret":"0123456789abcdef","secretHash":"aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A="}]}""" },
        { "secrets[1].secret", """{"secrets":[{"secret":"0123456789abcdef"},{"secret":"0123456789abcdef"}]}""" },
        { "secrets[0].note", """{"secrets":[{"secret":"0123456789abcdef","note":"x"}]}""" },
        { "secrets[0].notBefore", """{"secrets":[{"secret":"0123456789abcdef","notBefore":"tomorrow"}]}""" },
        { "secrets[0].expiresAt", """{"secrets":[{"secret":"0123456789abcdef","expiresAt":1800000000}]}""" },
        { "secrets[0].expiresAt", """{"secrets":[{"secret":"0123456789abcdef","notBefore":"2030-01-01T00:00:00Z","expiresAt":"2030-01-01T00:00:00Z"}]}""" },
        { "secrets[0].label", """{"secrets":[{"secret":"0123456789abcdef","label":"a\u0000"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_in_a_document_is_named_by_its_field(string path, string json)
    {
        var reading = New(json);

        Assert.False(reading.Succeeded);
        Assert.Contains(path, reading.Errors.Keys);
        Assert.Single(reading.Errors);
        Assert.EndsWith(".", reading.Errors[path], StringComparison.Ordinal);
    }

    [Fact]
    public void All_fields_that_are_wrong_are_named_at_once() =>
        Assert.Equal(
            ["authMethods", "name", "rateLimit.burst", "scopes[1]", "typo"],
            New("""{"name":"","typo":1,"scopes":["a","a"],"authMethods":[],"rateLimit":{"tokensPerSecond":1,"burst":0}}""").Errors.Keys);

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused() =>
        Assert.Equal(["$"], ClientDocumentReader.ReadNew(Encoding.Latin1.GetBytes("""{"name":"é"}"""), Generated, ServerLifetime).Errors.Keys);

    [Fact]
    public void A_byte_order_mark_is_passed_over() =>
        Assert.True(ClientDocumentReader.ReadNew((byte[])[0xEF, 0xBB, 0xBF, .. "{}"u8], Generated, ServerLifetime).Succeeded);

    [Theory]
    [InlineData(true, """{"name":"@200"}""")]
    [InlineData(false, """{"name":"@201"}""")]
    [InlineData(true, """{"metadata":{"@64":"@1000"}}""")]
    [InlineData(false, """{"metadata":{"@65":"x"}}""")]
    [InlineData(false, """{"metadata":{"x":"@1001"}}""")]
    [InlineData(true, """{"claims":{"@256":1}}""")]
    [InlineData(false, """{"claims":{"@257":1}}""")]
    [InlineData(true, """{"claims":{"a":{"@300":1}}}""")]
    [InlineData(true, """{"secrets":[{"secret":"0123456789abcdef","label":"@200"}]}""")]
    [InlineData(false, """{"secrets":[{"secret":"0123456789abcdef","label":"@201"}]}""")]
    [InlineData(true, """{"scopes":["#128"],"audiences":["#512"],"clientId":"#200","secret":"#256"}""")]
    [InlineData(false, """{"scopes":["#129"]}""")]
    [InlineData(false, """{"audiences":["#513"]}""")]
    [InlineData(false, """{"clientId":"#201"}""")]
    [InlineData(false, """{"secret":"#257"}""")]
    [InlineData(true, """{"claims":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{"9":1}}}}}}}}}""")]
    [InlineData(true, """{"claims":{"a":"#8184"}}""")]
    [InlineData(false, """{"claims":{"a":"#8185"}}""")]
    [InlineData(true, """{"claims":{ "a" : "#8184" }}""")]
    [InlineData(true, """{"claims":{"a":"@2046"}}""")]
    [InlineData(false, """{"claims":{"a":"@2047"}}""")]
    [InlineData(true, """{"tokenLifetimeSeconds":60,"tokenReuseSeconds":30}""")]
    [InlineData(true, """{"tokenLifetimeSeconds":86400,"tokenReuseSeconds":43200}""")]
    [InlineData(true, """{"tokenReuseSeconds":1800}""")]
    [InlineData(true, """{"rateLimit":{"tokensPerSecond":0.01,"burst":10000000},"quota":{"tokens":1,"per":"hour"}}""")]
    [InlineData(true, """{"rateLimit":{"tokensPerSecond":1e6}}""")]
    public void A_bound_holds_its_last_value_and_no_more(bool good, string template)
    {
        // "@n" stands for n code points of two UTF-16 units each, "#n" for n ASCII characters.
        var json = System.Text.RegularExpressions.Regex.Replace(template, "([@#])([0-9]+)", match =>
        {
            var count = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
            return match.Groups[1].Value == "#" ? new string('a', count) : string.Concat(Enumerable.Repeat("😀", count));
        });

        Assert.Equal(good, New(json).Succeeded);
    }

    [Theory]
    [InlineData(true, 76, 0, 6_000)]
    [InlineData(false, 80, 0, 6_000)]
    [InlineData(true, 109, 0, 0)]
    [InlineData(false, 110, 0, 0)]
    [InlineData(true, 0, 27, 0)]
    [InlineData(false, 0, 28, 0)]
    [InlineData(false, 60, 15, 0)]
    [InlineData(false, 30, 10, 8_000)]
    public void All_that_a_client_may_have_fits_into_one_request_and_one_token(bool fits, int scopes, int audiences, int claims)
    {
        var document = new JsonObject
        {
            ["scopes"] = new JsonArray([.. Enumerable.Range(0, scopes).Select(i => (JsonNode)$"{i}".PadLeft(128, 's'))]),
            ["audiences"] = new JsonArray([.. Enumerable.Range(0, audiences).Select(i => (JsonNode)$"{i}".PadLeft(512, 'a'))]),
            ["claims"] = new JsonObject { ["c"] = new string('v', claims) },
        };

        var reading = New(document.ToJsonString());

        Assert.Equal(fits, reading.Succeeded);
        Assert.Equal(fits ? [] : ["$"], reading.Errors.Keys);
    }

    [Fact]
    public void What_has_to_be_escaped_in_a_form_counts_escaped() =>
        Assert.Equal(["$"], New(new JsonObject { ["scopes"] = new JsonArray([.. Enumerable.Range(0, 50).Select(i => (JsonNode)$"{i}".PadLeft(128, ':'))]) }.ToJsonString()).Errors.Keys);

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
    [InlineData("scopes", 200)]
    [InlineData("audiences", 50)]
    [InlineData("introspects", 50)]
    [InlineData("claims", 50)]
    [InlineData("metadata", 50)]
    [InlineData("secrets", 32)]
    public void A_list_or_an_object_holds_so_many_and_no_more(string field, int most)
    {
        JsonObject Document(int count) => new()
        {
            [field] = field switch
            {
                "claims" or "metadata" => new JsonObject(Enumerable.Range(0, count).Select(i => KeyValuePair.Create($"n{i}", (JsonNode?)$"v{i}"))),
                "secrets" => new JsonArray([.. Enumerable.Range(0, count).Select(i => new JsonObject { ["secret"] = $"0123456789abcdef{i}" })]),
                _ => new JsonArray([.. Enumerable.Range(0, count).Select(i => JsonValue.Create($"n{i}"))]),
            },
        };

        Assert.True(New(Document(most).ToJsonString()).Succeeded);
        Assert.Equal([field], New(Document(most + 1).ToJsonString()).Errors.Keys);
    }

    [Fact]
    public void Claims_are_kept_as_compact_JSON_in_UTF_8_whatever_escapes_they_came_with() =>
        Assert.Equal(
            """{"a":"ü😀😀 \\uD83D\\uDE00 \" / <","b😀":[1.50,1E+2,{}]}""",
            New("""{ "claims": { "a": "\u00fc\ud83d\ude00😀 \\uD83D\\uDE00 \u0022 \/ \u003c", "b\uD83D\uDE00": [ 1.50, 1E+2, { } ] } }""").Document!.ClaimsJson);

    [Fact]
    public void A_reserved_claim_is_refused_at_the_top_alone() =>
        Assert.True(New("""{"claims":{"user":{"sub":"x","act":1}}}""").Succeeded);

    public static TheoryData<string> Hostile { get; } =
    [
        string.Concat(Enumerable.Repeat("[", 100_000)),
        string.Concat(Enumerable.Repeat("{\"a\":", 40_000)),
        "{\"claims\":" + string.Concat(Enumerable.Repeat("[", 20_000)) + string.Concat(Enumerable.Repeat("]", 20_000)) + "}",
        "{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"m{i}\":1")) + "}",
        "{\"claims\":{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"m{i}\":1")) + "}}",
        "{\"claims\":{\"a\":[" + string.Join(',', Enumerable.Repeat("null", 40_000)) + "]}}",
        "{\"claims\":{\"a\":[" + string.Join(',', Enumerable.Repeat("{\"b\":null}", 20_000)) + "]}}",
        "{\"metadata\":{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"m{i}\":null")) + ",\"x\":1}}",
        "{\"scopes\":[" + string.Join(',', Enumerable.Repeat("\"a\"", 50_000)) + "]}",
        "{" + string.Join(',', Enumerable.Repeat("\"name\":\"a\"", 20_000)) + "}",
        "{\"name\":\"" + new string('a', 250_000) + "\"}",
        "{\"" + new string('a', 250_000) + "\":1}",
        "{\"tokenLifetimeSeconds\":" + new string('9', 250_000) + "}",
        "{\"claims\":{\"a\":" + new string('9', 200_000) + "}}",
        "{\"claims\":{\"a\":\"" + string.Concat(Enumerable.Repeat("\\uD83D", 30_000)) + "\"}}",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_JSON_is_refused_in_milliseconds_and_told_in_few_words(string json)
    {
        var utf8 = Encoding.UTF8.GetBytes(json);
        _ = ClientDocumentReader.ReadNew(utf8, Generated, ServerLifetime);
        var start = Stopwatch.GetTimestamp();

        var reading = ClientDocumentReader.ReadNew(utf8, Generated, ServerLifetime);

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 0, 1_000);
        Assert.False(reading.Succeeded);
        Assert.InRange(reading.Errors.Count, 1, 50);
        Assert.All(reading.Errors, error => Assert.True(error.Key.Length + error.Value.Length < 1_000));
    }

    [Fact]
    public void Random_bytes_as_a_document_never_throw() =>
        Gen.Byte.Array.Sample(bytes =>
        {
            _ = ClientDocumentReader.ReadNew(bytes, Generated, ServerLifetime);
            _ = ClientDocumentReader.ReadReplacement(bytes, Generated, null, ServerLifetime);
            _ = ClientDocumentReader.ReadPatch(bytes, Generated, "{}", ServerLifetime);
            _ = ClientDocumentReader.ReadFile(bytes, ServerLifetime);
        });

    [Fact]
    public void A_good_document_with_one_changed_byte_never_throws() =>
        Gen.Select(Gen.Int[0, Encoding.UTF8.GetByteCount(Full) - 1], Gen.Byte).Sample((position, value) =>
        {
            var utf8 = Encoding.UTF8.GetBytes(Full);
            utf8[position] = value;
            _ = ClientDocumentReader.ReadNew(utf8, Generated, ServerLifetime);
        }, iter: 3_000);

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
    public void What_an_answer_gave_can_be_sent_back()
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
    public void A_stored_reuse_time_outlives_a_shorter_lifetime_of_the_server() =>
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

    [Fact]
    public void No_secret_is_printed()
    {
        var reading = New("""{"secret":"0123456789abcdef"}""");

        Assert.DoesNotContain("0123456789abcdef", reading.ToString() + reading.Secrets[0] + new ClientAnswerMembers { Enabled = true, CreatedAt = default, UpdatedAt = default, Secret = "0123456789abcdef" }, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"tokenLifetimeSecs":null,"name":null}""", "tokenLifetimeSecs")]
    [InlineData("""{"Name":null}""", "Name")]
    [InlineData("""{"rateLimit":{"brst":null,"burst":null}}""", "rateLimit.brst")]
    [InlineData("""{"rateLimit":{"tokens":null}}""", "rateLimit.tokens")]
    [InlineData("""{"quota":{"tokens":1,"per":"day","burst":null}}""", "quota.burst")]
    public void A_patch_that_removes_what_no_document_has_is_refused_by_name(string patch, string field) =>
        Assert.Equal([field], Patch(patch).Errors.Keys);

    [Theory]
    [InlineData("""{"claims":{"unheard-of":null},"metadata":{"unheard-of":null}}""")]
    [InlineData("""{"rateLimit":{"burst":null,"enforce":null},"quota":null,"allowedNetworks":null}""")]
    [InlineData("""{"createdAt":null,"updatedAt":null,"lastUsedAt":null,"etag":null,"secret":null,"secretHash":null,"secrets":null}""")]
    public void A_patch_may_remove_what_is_not_there(string patch) => Assert.Empty(Patch(patch).Errors);

    private static ClientDocumentReading New(string json) => ClientDocumentReader.ReadNew(Encoding.UTF8.GetBytes(json), Generated, ServerLifetime);

    private static ClientsFileReading File(string json) => ClientDocumentReader.ReadFile(Encoding.UTF8.GetBytes(json), ServerLifetime);

    private static ClientDocumentReading Patch(string json)
    {
        const string Stored = """{"clientId":"orders","name":"Orders","grantTypes":["client_credentials"],"scopes":["a","b"],"audiences":[],"introspects":[],"tokenReuseSeconds":0,"authMethods":["client_secret_basic","client_secret_post"],"rateLimit":{"tokensPerSecond":5,"enforce":true},"claims":{"x":{"y":1,"z":2}},"metadata":{"owner":"me"}}""";
        return ClientDocumentReader.ReadPatch(Encoding.UTF8.GetBytes(json), Id("orders"), Stored, ServerLifetime);
    }

    private static string Answer(string stored, ClientAnswerMembers members)
    {
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        ClientDocumentWriter.WriteAnswer(writer, stored, members);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }

    private static ClientId Id(string text) => ClientId.TryParse(text, out var id) ? id : throw new ArgumentException(text);
}
