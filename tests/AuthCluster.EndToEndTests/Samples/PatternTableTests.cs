using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>The table in <c>samples/README.md</c> has every pattern of the document, and every file in it is there.</summary>
public sealed partial class PatternTableTests
{
    private static readonly string[] Chapters = ["Using the Access Token", "Token Management", "Advanced Patterns", "Security Considerations", "Error Handling", "Monitoring and Logging"];

    [Fact]
    public void Every_pattern_of_the_document_has_its_row()
    {
        var patterns = File.ReadLines(Repository.PathOf("docs", "client-credentials-flow.md"))
            .SkipWhile(line => line != "## Using the Access Token")
            .TakeWhile(line => line != "## Next Steps")
            .Where(line => line.StartsWith("## ", StringComparison.Ordinal) || line.StartsWith("### ", StringComparison.Ordinal))
            .Select(line => Numbering().Replace(line.TrimStart('#').Trim(), ""))
            .Except(Chapters, StringComparer.Ordinal);

        Assert.Equal(patterns, Rows().Select(row => row.Split('|')[1].Trim()));
    }

    [Fact]
    public void Every_file_that_a_row_names_is_there()
    {
        var files = Rows().SelectMany(row => FileName().Matches(row.Split('|')[2])).Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.True(File.Exists(Repository.PathOf("samples", file)), file));
    }

    private static IEnumerable<string> Rows() => File.ReadLines(Repository.PathOf("samples", "README.md"))
        .SkipWhile(line => line != "| pattern | samples | SDK |")
        .Skip(2)
        .TakeWhile(line => line.StartsWith('|'));

    [GeneratedRegex(@"^\d\. ")]
    private static partial Regex Numbering();

    [GeneratedRegex("`([^`]*/[^`]*)`")]
    private static partial Regex FileName();
}
