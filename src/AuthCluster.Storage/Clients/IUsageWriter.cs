using System.Data.Common;

namespace AuthCluster.Storage.Clients;

/// <summary>Writes many usage rows at once, each database in its own fastest way. The rows are distinct and in the order of their keys.</summary>
internal interface IUsageWriter
{
    /// <summary>Adds counts to those that are stored.</summary>
    Task WriteCountsAsync(DbConnection connection, DbTransaction transaction, List<UsageCount> rows, CancellationToken cancellationToken);

    /// <summary>Writes last uses; one that is stored and later stays.</summary>
    Task WriteLastUsesAsync(DbConnection connection, DbTransaction transaction, List<LastUse> rows, CancellationToken cancellationToken);
}
