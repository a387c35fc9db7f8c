using System.Data.Common;

namespace AuthCluster.Storage.Clients;

/// <summary>
/// The database took the number of a flush and refused its rows. The flush is not stored and never will be, even if an earlier try had an unknown
/// outcome, so its rows may be written under the same number in other flushes.
/// </summary>
public sealed class UsageRefusedException : DbException
{
    /// <summary>Without a reason.</summary>
    public UsageRefusedException()
        : base("The database refused the usage.")
    {
    }

    /// <summary>With a message.</summary>
    public UsageRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>With what the driver threw.</summary>
    public UsageRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
