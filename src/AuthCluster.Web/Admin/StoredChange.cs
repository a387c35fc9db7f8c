using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>Answers a change that is stored. Here alone it is decided whether the caller is told that it holds everywhere.</summary>
internal static class StoredChange
{
    /// <summary>The header of a 202 that says that the change does not hold on every node yet.</summary>
    public const string HoldsEverywhere = "Holds-Everywhere";

    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);

    // The end of a silo may be proven long before the latest moment at which it might still decide.
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryAfterUnknown = TimeSpan.FromSeconds(5);

    /// <summary>The answer to a change that holds on every node, or the same as 202 when it may not.</summary>
    /// <param name="everywhere">What is answered when it holds on every node.</param>
    /// <param name="unconfirmedFor">Null when it does; else for how long a silo might go by an older state, zero where that is not known.</param>
    public static AdminAnswer Answer(AdminAnswer everywhere, TimeSpan? unconfirmedFor) => unconfirmedFor is not { } left
        ? everywhere
        : everywhere with
        {
            Status = StatusCodes.Status202Accepted,
            RetryAfter = left <= TimeSpan.Zero ? RetryAfterUnknown
                : left < MinRetryAfter ? MinRetryAfter
                : left > MaxRetryAfter ? MaxRetryAfter
                : left,
            Headers = [.. everywhere.Headers, (HoldsEverywhere, "no")],
        };
}
