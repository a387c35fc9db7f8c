using System.Xml.Linq;
using AuthCluster.TestKit;

namespace AuthCluster.UnitTests.Layout;

/// <summary>Which project may refer to which: each arrow of the picture is one reference, and no others are allowed.</summary>
public sealed class ProjectReferencesTests
{
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["AuthCluster.Protocol"] = [],
        ["AuthCluster.Contracts"] = [],
        ["AuthCluster.Storage"] = ["AuthCluster.Contracts"],
        ["AuthCluster.Fence"] = [],
        ["AuthCluster.Grains"] = ["AuthCluster.Contracts", "AuthCluster.Fence", "AuthCluster.Protocol", "AuthCluster.Storage"],
        ["AuthCluster.Web"] = ["AuthCluster.Contracts", "AuthCluster.Protocol"],
        ["AuthCluster.Server"] = ["AuthCluster.Contracts", "AuthCluster.Grains", "AuthCluster.Protocol", "AuthCluster.Storage", "AuthCluster.Web"],
        ["AuthCluster.Client"] = [],
        ["AuthCluster.Client.AspNetCore"] = ["AuthCluster.Client"],
    };

    public static TheoryData<string> Projects { get; } =
        [.. Directory.EnumerateFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_projects_that_the_picture_allows(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);

        Assert.True(Arrows.TryGetValue(name, out var allowed), $"{name} is not in the picture.");
        Assert.All(References(path, "ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Replace('\\', '/'))), reference => Assert.Contains(reference, allowed!));
    }

    [Fact]
    public void The_protocol_needs_no_package_and_no_framework_beyond_the_base()
    {
        var project = Repository.PathOf("src", "AuthCluster.Protocol", "AuthCluster.Protocol.csproj");

        Assert.Empty(References(project, "PackageReference"));
        Assert.Empty(References(project, "FrameworkReference"));
    }

    [Fact]
    public void The_front_end_never_refers_to_grains_storage_or_the_Orleans_server()
    {
        var project = Repository.PathOf("src", "AuthCluster.Web", "AuthCluster.Web.csproj");

        Assert.DoesNotContain("Microsoft.Orleans.Server", References(project, "PackageReference"));
        Assert.DoesNotContain("Dapper", References(project, "PackageReference"));
    }

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(reference => reference.Attribute("Include")!.Value);
}
