namespace AuthCluster.Server.Telemetry;

/// <summary>
/// Filters the log while the host starts. Whoever starts the server must read one sentence about what went wrong. Without the filter
/// the framework would print the same exception above that sentence twice, with its stack, and a silo that is stopped would log many warnings.
/// </summary>
internal sealed class HostStart
{
    /// <summary>Categories whose failures also leave the start as an exception, which becomes the sentence.</summary>
    private static readonly string[] TellByException =
        ["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    private volatile Phase _phase;

    private enum Phase
    {
        Starting = 0,
        Started = 1,
        Failed = 2,
    }

    /// <summary>The host runs: everything is logged from now on.</summary>
    public void Succeed() => _phase = Phase.Started;

    /// <summary>The host does not run: nothing is logged from now on.</summary>
    public void Fail() => _phase = Phase.Failed;

    /// <summary>Whether a line of this category is logged now.</summary>
    public bool LetsThrough(string? category) => _phase switch
    {
        Phase.Started => true,
        Phase.Failed => false,
        _ => category is null || !Array.Exists(TellByException, muted => category.StartsWith(muted, StringComparison.Ordinal)),
    };
}
