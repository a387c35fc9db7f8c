using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.UnitTests.Layout;

/// <summary>The files and folders that the documents for developers name.</summary>
public sealed partial class DocumentedPathsTests
{
    [Theory]
    [InlineData("CONTRIBUTING.md", 10)]
    [InlineData("docs/architecture.md", 8)]
    public void Every_path_that_a_document_names_exists(string document, int leastPaths)
    {
        var text = File.ReadAllText(Repository.PathOf(document));

        string[] paths =
        [
            .. FromRoot().Matches(text).Select(match => match.Groups[1].Value),
            .. OfType().Matches(text).Select(match => $"src/AuthCluster.{match.Groups[1].Value}.cs"),
        ];

        Assert.True(paths.Length >= leastPaths, $"{document} names {paths.Length} paths.");
        Assert.All(paths, path => Assert.True(Path.Exists(Repository.PathOf(path)), $"{document} names {path}, which does not exist."));
    }

    /// <summary>A path from the repository's root, such as <c>tests/AuthCluster.TestKit</c>.</summary>
    [GeneratedRegex(@"`((?:src|tests|sql|docs)/[\w./-]+)`")]
    private static partial Regex FromRoot();

    /// <summary>A type by project, folder and name, such as <c>Web/Tokens/TokenEndpoint</c>.</summary>
    [GeneratedRegex(@"`((?:Contracts|Grains|Protocol|Server|Storage|Web)/\w+/\w+)`")]
    private static partial Regex OfType();
}
