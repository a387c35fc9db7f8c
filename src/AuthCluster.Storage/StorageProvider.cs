namespace AuthCluster.Storage;

/// <summary>The databases that AuthCluster keeps its data in.</summary>
public enum StorageProvider
{
    /// <summary>One file, used by one process: the embedded default.</summary>
    Sqlite = 0,

    /// <summary>A shared PostgreSQL database.</summary>
    PostgreSql = 1,

    /// <summary>A shared SQL Server database.</summary>
    SqlServer = 2,
}
