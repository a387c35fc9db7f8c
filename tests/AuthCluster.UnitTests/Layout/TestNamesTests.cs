using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.UnitTests.Layout;

/// <summary>A test's name is one statement about the product, so no two tests have the same.</summary>
public sealed partial class TestNamesTests
{
    [Fact]
    public void No_two_tests_of_the_solution_have_the_same_name()
    {
        var tests = Directory.EnumerateFiles(Repository.PathOf("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(path => Test().Matches(File.ReadAllText(path)).Select(match => (Name: match.Groups["name"].Value, File: Path.GetFileName(path))))
            .ToList();

        // Fewer would mean that the expression no longer recognises tests.
        Assert.True(tests.Count > 1_000, $"{tests.Count} tests were found.");
        Assert.Empty(tests.GroupBy(test => test.Name, StringComparer.Ordinal)
            .Where(same => same.Count() > 1)
            .Select(same => $"{same.Key} in {string.Join(", ", same.Select(test => test.File))}"));
    }

    /// <summary>The attribute, then whatever attributes and comments follow, then the method.</summary>
    [GeneratedRegex(@"^\s*\[(Fact|Theory)\b(?s:.*?)\bpublic\s+(static\s+)?(async\s+)?[\w<>]+\s+(?<name>\w+)\(", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Test();
}
