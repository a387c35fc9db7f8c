using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.UnitTests.Layout;

/// <summary>
/// Which namespace of a project uses which: no two use each other, directly or through others. A project's root namespace is left out:
/// it puts the others together, and all of them see its types without a <c>using</c>.
/// </summary>
public sealed partial class NamespaceCycleTests
{
    public static TheoryData<string> Projects { get; } =
        [.. Directory.EnumerateFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories).Select(path => Path.GetFileNameWithoutExtension(path))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_namespaces_of_a_project_have_no_cycle(string project)
    {
        var cycle = CycleOf(UsesOf(project));

        Assert.True(cycle is null, $"{project}: {string.Join(" -> ", cycle ?? [])}");
    }

    [Fact]
    public void A_cycle_over_three_namespaces_is_found_and_a_diamond_is_no_cycle()
    {
        Assert.Equal(["a", "b", "c", "a"], CycleOf(new() { ["a"] = ["b"], ["b"] = ["c"], ["c"] = ["a"] }));
        Assert.Null(CycleOf(new() { ["a"] = ["b", "c"], ["b"] = ["d"], ["c"] = ["d"] }));
    }

    /// <summary>The namespaces of a project, each with the namespaces of the same project that its files name in a <c>using</c>.</summary>
    private static SortedDictionary<string, SortedSet<string>> UsesOf(string project)
    {
        var uses = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(Repository.PathOf("src", project), "*.cs", SearchOption.AllDirectories).Where(IsSource))
        {
            var text = File.ReadAllText(path);
            if (Namespace().Match(text) is not { Success: true } declared || declared.Groups[1].Value == project)
            {
                continue;
            }

            var used = Using().Matches(text).Select(match => match.Groups[1].Value)
                .Where(name => name.StartsWith(project + ".", StringComparison.Ordinal) && name != declared.Groups[1].Value);
            if (!uses.TryGetValue(declared.Groups[1].Value, out var all))
            {
                all = uses[declared.Groups[1].Value] = new SortedSet<string>(StringComparer.Ordinal);
            }

            all.UnionWith(used);
        }

        return uses;
    }

    private static bool IsSource(string path) =>
        !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin");

    /// <summary>A path from a namespace back to itself; null where there is none.</summary>
    private static List<string>? CycleOf(SortedDictionary<string, SortedSet<string>> uses)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return uses.Keys.Select(start => CycleFrom(start, [], uses, done)).FirstOrDefault(cycle => cycle is not null);
    }

    private static List<string>? CycleFrom(string from, List<string> way, SortedDictionary<string, SortedSet<string>> uses, HashSet<string> done)
    {
        if (way.IndexOf(from) is >= 0 and var first)
        {
            return [.. way[first..], from];
        }

        if (!uses.TryGetValue(from, out var used) || done.Contains(from))
        {
            return null;
        }

        var cycle = used.Select(next => CycleFrom(next, [.. way, from], uses, done)).FirstOrDefault(found => found is not null);
        done.Add(from);
        return cycle;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();
}
