namespace AuthCluster.Server.Startup;

/// <summary>What is logged by the code that puts the process together.</summary>
internal static partial class StartupLog
{
    [LoggerMessage(1503, LogLevel.Warning, "The database can't be reached yet ({Reason}); trying again.")]
    public static partial void DatabaseNotReachable(ILogger logger, string reason);

    [LoggerMessage(1212, LogLevel.Critical, "The keys in storage were wrapped under another key-encryption key than this process has; it goes on with those that it holds. Restart it with the new key.")]
    public static partial void KeysNotUnwrapped(ILogger logger);
}
