namespace AuthCluster.Web.Cluster;

/// <summary>Which failures of a call say that its silo is gone, so that the grain's next activation may be asked the same.</summary>
internal static class GrainFailures
{
    /// <summary>How long to wait before the same question is asked again.</summary>
    public static readonly TimeSpan RepeatAfter = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a request goes on asking. Shorter than Orleans' own time-out.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    /// <summary>Whether the same question may be asked again.</summary>
    public static bool IsRepeatable(Exception e) =>
        e is SiloUnavailableException or OrleansMessageRejectionException or TimeoutException
            or GatewayTooBusyException or ClientNotAvailableException;
}
