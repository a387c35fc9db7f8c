using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Documents that a newer version stored, with members that this one does not know.</summary>
public sealed class NewerDocumentTests
{
    private const int ServerLifetime = 3_600;

    private const string Stored = """
        {
          "clientId": "orders", "name": "Orders", "later": { "a": [1, "x"], "b": null }, "allowedNetworks": ["10.0.0.0/8"],
          "rateLimit": { "tokensPerSecond": 5, "enforce": true, "window": "sliding" },
          "quota": { "tokens": 10, "per": "day", "enforce": true, "carries": true }
        }
        """;

    public static TheoryData<string, string> Changed => new()
    {
        { "later", """{ "later": { "a": [1, "y"] } }""" },
        { "later", """{ "later": 7 }""" },
        { "later", """{ "later": null }""" },
        { "colour", """{ "colour": "red" }""" },
        { "allowedNetworks", """{ "allowedNetworks": ["11.0.0.0/8"] }""" },
        { "rateLimit.window", """{ "rateLimit": { "window": "fixed" } }""" },
        { "rateLimit.window", """{ "rateLimit": { "window": null } }""" },
        { "quota.later", """{ "quota": { "later": 1 } }""" },
    };

    [Fact]
    public void A_patch_keeps_what_it_does_not_name()
    {
        var document = Merged("""{ "name": "New", "rateLimit": { "burst": 9 }, "quota": { "tokens": 20 } }""");

        var expected = JsonNode.Parse(Stored)!;
        Assert.Equal("New", document["name"]!.GetValue<string>());
        Assert.Equal(9, document["rateLimit"]!["burst"]!.GetValue<int>());
        Assert.Equal("sliding", document["rateLimit"]!["window"]!.GetValue<string>());
        Assert.Equal(20, document["quota"]!["tokens"]!.GetValue<int>());
        Assert.True(document["quota"]!["carries"]!.GetValue<bool>());
        Assert.True(JsonNode.DeepEquals(expected["later"], document["later"]));
        Assert.True(JsonNode.DeepEquals(expected["allowedNetworks"], document["allowedNetworks"]));
    }

    [Theory]
    [MemberData(nameof(Changed))]
    public void A_patch_that_changes_an_unknown_member_is_refused(string field, string patch) =>
        Assert.Equal([field], Patch(patch).Errors.Keys);

    [Fact]
    public void A_removed_limit_takes_its_unknown_members_with_it()
    {
        var document = Merged("""{ "rateLimit": null, "quota": null }""");

        Assert.Null(document["rateLimit"]);
        Assert.Null(document["quota"]);
    }

    [Fact]
    public void A_document_that_comes_back_as_it_was_read_is_stored_as_it_was()
    {
        var reading = Replace(Stored, Stored);

        Assert.True(reading.Succeeded, string.Join(", ", reading.Errors));
        var document = JsonNode.Parse(ClientDocumentWriter.ToStoredJson(reading.Document))!;
        foreach (var (name, value) in JsonNode.Parse(Stored)!.AsObject())
        {
            Assert.True(JsonNode.DeepEquals(value, document[name]), name);
        }
    }

    [Fact]
    public void A_replacement_that_leaves_an_unknown_member_out_removes_it()
    {
        var reading = Replace("""{ "name": "Orders" }""", Stored);

        Assert.Null(JsonNode.Parse(ClientDocumentWriter.ToStoredJson(reading.Document!))!["later"]);
    }

    [Fact]
    public void A_replacement_with_an_unknown_member_is_refused_unless_the_member_is_stored_with_that_value()
    {
        Assert.Equal(["later"], Replace("""{ "later": "other" }""", Stored).Errors.Keys);
        Assert.Equal(["later"], Replace("""{ "later": 1 }""", """{ "name": "Orders" }""").Errors.Keys);
        Assert.Equal(["later"], Replace("""{ "later": 1 }""", null).Errors.Keys);
    }

    [Theory]
    [InlineData("""{ "later": 1 }""", true)]
    [InlineData("""{ "rateLimit": { "tokensPerSecond": 1, "later": 1 } }""", true)]
    [InlineData("""{ "allowedNetworks": ["10.0.0.0/8"] }""", true)]
    [InlineData("""{ "name": 7 }""", false)]
    [InlineData("""{ "name": "Orders" }""", false)]
    public void Only_a_document_with_a_member_that_this_version_does_not_know_asks_to_be_compared_with_the_stored_one(string document, bool asks) =>
        Assert.Equal(asks, Replace(document, null).HasUnknownMembers);

    private static JsonNode Merged(string patch)
    {
        var reading = Patch(patch);
        Assert.True(reading.Succeeded, string.Join(", ", reading.Errors));
        return JsonNode.Parse(ClientDocumentWriter.ToStoredJson(reading.Document))!;
    }

    private static ClientDocumentReading Patch(string patch) =>
        ClientDocumentReader.ReadPatch(Encoding.UTF8.GetBytes(patch), Orders(), Stored, ServerLifetime);

    private static ClientDocumentReading Replace(string document, string? stored) =>
        ClientDocumentReader.ReadReplacement(Encoding.UTF8.GetBytes(document), Orders(), stored, ServerLifetime);

    private static ClientId Orders() =>
        ClientId.TryParse("orders", out var id) ? id : throw new FormatException("The id is outside the grammar.");
}
