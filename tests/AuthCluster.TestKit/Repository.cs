namespace AuthCluster.TestKit;

/// <summary>Where the sources and the build output are, seen from a running test assembly.</summary>
public static class Repository
{
    /// <summary>The folder of <c>AuthCluster.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The configuration that the tests were built in (<c>Debug</c> or <c>Release</c>): …/bin/&lt;configuration&gt;/net10.0/.</summary>
    public static string Configuration { get; } = Directory.GetParent(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))!.Name;

    /// <summary>The full path of a file or folder that is named from the root of the repository.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>The main assembly of a project under <c>src</c>, in the configuration of the tests.</summary>
    public static string AssemblyOf(string project) =>
        PathOf("src", project, "bin", Configuration, "net10.0", project + ".dll");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AuthCluster.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No AuthCluster.sln above {AppContext.BaseDirectory}: tests run from the build output inside the repository.");
    }
}
