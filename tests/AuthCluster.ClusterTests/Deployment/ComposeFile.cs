using System.Text.Json;
using AuthCluster.TestKit;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary><c>docker-compose.yml</c>, its anchors and merge keys resolved.</summary>
internal static class ComposeFile
{
    /// <summary>Reads the repository's file.</summary>
    public static Task<string> ReadAsync(CancellationToken cancellationToken) =>
        File.ReadAllTextAsync(Repository.PathOf("docker-compose.yml"), cancellationToken);

    /// <summary>The document as JSON, with plain scalars typed as YAML has them.</summary>
    public static JsonElement Parse(string yaml)
    {
        var value = new DeserializerBuilder()
            .WithAttemptingUnquotedStringTypeDeserialization()
            .Build()
            .Deserialize<object>(new MergingParser(new Parser(new StringReader(yaml))));
        return JsonSerializer.SerializeToElement(value);
    }
}
