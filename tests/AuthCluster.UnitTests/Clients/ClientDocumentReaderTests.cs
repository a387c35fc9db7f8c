using System.Diagnostics;
using System.Globalization;
using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Limits;
using CsCheck;
using static AuthCluster.UnitTests.Clients.ClientDocuments;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Client documents as they come in.</summary>
public sealed class ClientDocumentReaderTests
{
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
    public void A_member_that_is_absent_or_null_takes_its_default(string json)
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
    public void Absent_default_scopes_mean_all_scopes_and_an_empty_list_means_none()
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
    public void The_refusal_of_an_unknown_member_names_the_known_members(string json, string field, string documentWith)
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

    [Fact]
    public void Claims_are_kept_as_compact_JSON_in_UTF_8_whatever_escapes_they_came_with() =>
        Assert.Equal(
            """{"a":"ü😀😀 \\uD83D\\uDE00 \" / <","b😀":[1.50,1E+2,{}]}""",
            New("""{ "claims": { "a": "\u00fc\ud83d\ude00😀 \\uD83D\\uDE00 \u0022 \/ \u003c", "b\uD83D\uDE00": [ 1.50, 1E+2, { } ] } }""").Document!.ClaimsJson);

    [Fact]
    public void A_reserved_claim_is_refused_only_at_the_top_level() =>
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
    public void Hostile_JSON_is_refused_within_a_second_and_with_short_errors(string json)
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

    [Fact]
    public void No_secret_is_printed()
    {
        var reading = New("""{"secret":"0123456789abcdef"}""");

        Assert.DoesNotContain("0123456789abcdef", reading.ToString() + reading.Secrets[0] + new ClientAnswerMembers { Enabled = true, CreatedAt = default, UpdatedAt = default, Secret = "0123456789abcdef" }, StringComparison.Ordinal);
    }
}
