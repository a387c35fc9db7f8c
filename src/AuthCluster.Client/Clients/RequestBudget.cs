namespace AuthCluster.Client.Clients;

/// <summary>How long a request may take and how often it may be repeated.</summary>
/// <param name="Attempt">Longest time for one attempt.</param>
/// <param name="Total">Longest time for all that the call does.</param>
/// <param name="Retries">How often it may be repeated.</param>
internal sealed record RequestBudget(TimeSpan Attempt, TimeSpan Total, int Retries)
{
    public static RequestBudget Of(AuthClusterTokenOptions options) => new(options.AttemptTimeout, options.Timeout, options.MaxRetries);

    /// <summary>The same without repeats: for a server that was down a moment ago.</summary>
    public RequestBudget Once() => this with { Retries = 0 };
}
