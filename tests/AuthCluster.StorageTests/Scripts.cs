using AuthCluster.Storage;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests;

/// <summary>The scripts as they stand in the repository.</summary>
internal static class Scripts
{
    public static IReadOnlyList<(string Name, string Text)> Of(StorageProvider provider) =>
    [
        .. Directory.GetFiles(Repository.PathOf("sql", FolderOf(provider)), "*.sql")
            .Order(StringComparer.Ordinal)
            .Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file))),
    ];

    private static string FolderOf(StorageProvider provider) => provider switch
    {
        StorageProvider.Sqlite => "sqlite",
        StorageProvider.PostgreSql => "postgresql",
        _ => "sqlserver",
    };
}
