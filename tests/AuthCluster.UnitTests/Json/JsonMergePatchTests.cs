using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Json;

namespace AuthCluster.UnitTests.Json;

/// <summary>RFC 7396: JSON Merge Patch. The table is the RFC's appendix A.</summary>
public sealed class JsonMergePatchTests
{
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void A_patch_gives_what_the_RFC_says(string target, string patch, string expected)
    {
        using var targetDocument = JsonDocument.Parse(target);
        using var patchDocument = JsonDocument.Parse(patch);

        var result = JsonMergePatch.Apply(targetDocument.RootElement, patchDocument.RootElement);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(result)), Encoding.UTF8.GetString(result));
    }

    [Fact]
    public void Text_and_numbers_come_through_as_they_are()
    {
        using var target = JsonDocument.Parse("""{"n":1.50e3,"s":"Zürich \u003C"}""");
        using var patch = JsonDocument.Parse("{}");

        Assert.Equal("""{"n":1.50e3,"s":"Zürich <"}""", Encoding.UTF8.GetString(JsonMergePatch.Apply(target.RootElement, patch.RootElement)));
    }
}
