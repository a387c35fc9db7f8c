using AuthCluster.Storage;
using AuthCluster.TestKit;

namespace AuthCluster.StorageTests;

/// <summary>The databases that the suite runs on: one suite, run on each.</summary>
public static class Providers
{
    /// <summary>SQLite and PostgreSQL, and SQL Server where a server is named.</summary>
    public static TheoryData<StorageProvider> All => HasSqlServer
        ? [StorageProvider.Sqlite, StorageProvider.PostgreSql, StorageProvider.SqlServer]
        : [StorageProvider.Sqlite, StorageProvider.PostgreSql];

    /// <summary>The databases that many processes share.</summary>
    public static TheoryData<StorageProvider> Shared => HasSqlServer
        ? [StorageProvider.PostgreSql, StorageProvider.SqlServer]
        : [StorageProvider.PostgreSql];

    private static bool HasSqlServer => NamedSqlServer.ConnectionString is not null;
}

/// <summary>Says that the suite did not run on SQL Server, and why, once.</summary>
public sealed class SqlServerSuite
{
    [Fact]
    public void The_storage_suite_runs_on_sql_server() => NamedSqlServer.Need("storage");
}
