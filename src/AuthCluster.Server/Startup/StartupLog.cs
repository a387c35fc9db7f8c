namespace AuthCluster.Server.Startup;

/// <summary>What is logged before there is a host.</summary>
internal static partial class StartupLog
{
    [LoggerMessage(1502, LogLevel.Warning, "The database can't be reached yet ({Reason}); trying again.")]
    public static partial void DatabaseNotReachable(ILogger logger, string reason);
}
