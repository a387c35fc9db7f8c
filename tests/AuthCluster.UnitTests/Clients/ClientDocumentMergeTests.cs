using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.UnitTests.Clients;

/// <summary>A merge patch on a stored client document, as the client's grain and a front end of a rolling upgrade apply it.</summary>
public sealed class ClientDocumentMergeTests
{
    private const string Stored = """{ "clientId": "orders", "name": "Orders", "scopes": ["read"], "later": 1 }""";

    [Fact]
    public void A_merge_changes_the_members_of_the_patch_and_keeps_the_others_also_unknown_ones()
    {
        var merge = Merge("""{ "name": "New" }""");

        Assert.True(merge.Succeeded);
        var document = JsonNode.Parse(merge.DocumentJson)!;
        Assert.Equal("New", document["name"]!.GetValue<string>());
        Assert.Equal("read", document["scopes"]![0]!.GetValue<string>());
        Assert.Equal(1, document["later"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("""{ "enabled": false }""", false)]
    [InlineData("""{ "enabled": true }""", true)]
    [InlineData("""{ "name": "New" }""", null)]
    public void A_merge_says_whether_the_patch_enables_the_client(string patch, bool? enabled) =>
        Assert.Equal(enabled, Merge(patch).Enabled);

    [Fact]
    public void A_merge_that_gives_an_invalid_document_has_errors_by_field_and_no_document()
    {
        var merge = Merge("""{ "scopes": 7, "colour": "red" }""");

        Assert.False(merge.Succeeded);
        Assert.Equal(["colour", "scopes"], merge.Errors.Keys);
    }

    [Fact]
    public void A_merge_for_an_id_outside_the_grammar_is_a_fault() =>
        Assert.Throws<FormatException>(() => ClientDocumentMerge.Of("a b", Stored, "{}"u8.ToArray(), 3_600));

    private static ClientDocumentMerge Merge(string patch) =>
        ClientDocumentMerge.Of("orders", Stored, Encoding.UTF8.GetBytes(patch), 3_600);
}
