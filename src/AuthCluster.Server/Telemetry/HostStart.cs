namespace AuthCluster.Server.Telemetry;

/// <summary>
/// Says what of the log is let through while the host starts. Whoever starts the server reads one sentence about what went wrong: the
/// framework would print the same exception above it, with its stack and twice, and a silo that is taken down warns of each of its ends.
/// </summary>
internal sealed class HostStart
{
    /// <summary>Whose failures leave the start as an exception, which becomes the sentence.</summary>
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

    /// <summary>Whether a line of this category is let through now.</summary>
    public bool LetsThrough(string? category) => _phase switch
    {
        Phase.Started => true,
        Phase.Failed => false,
        _ => category is null || !Array.Exists(TellByException, muted => category.StartsWith(muted, StringComparison.Ordinal)),
    };
}
