using System.Globalization;
using System.Text.Json.Nodes;
using static AuthCluster.UnitTests.Clients.ClientDocuments;

namespace AuthCluster.UnitTests.Clients;

/// <summary>How much a client document may hold.</summary>
public sealed class ClientDocumentBoundsTests
{
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
    public void Characters_that_a_form_must_escape_count_with_their_escaped_length() =>
        Assert.Equal(["$"], New(new JsonObject { ["scopes"] = new JsonArray([.. Enumerable.Range(0, 50).Select(i => (JsonNode)$"{i}".PadLeft(128, ':'))]) }.ToJsonString()).Errors.Keys);

    [Theory]
    [InlineData("scopes", 200)]
    [InlineData("audiences", 50)]
    [InlineData("introspects", 50)]
    [InlineData("claims", 50)]
    [InlineData("metadata", 50)]
    [InlineData("secrets", 32)]
    public void A_list_or_an_object_holds_its_greatest_count_and_no_more(string field, int most)
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
}
