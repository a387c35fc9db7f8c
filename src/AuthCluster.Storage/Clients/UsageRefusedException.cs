using System.Data.Common;

namespace AuthCluster.Storage.Clients;

/// <summary>
/// The database took the number of a flush and refused its rows. The flush is not stored and never will be, even if an earlier try had an unknown
/// outcome, so its rows may be written under the same number in other flushes.
/// </summary>
/// <param name="message">What the database refused.</param>
/// <param name="innerException">What the driver threw.</param>
public sealed class UsageRefusedException(string message, Exception innerException)
    : DbException(message, innerException);
