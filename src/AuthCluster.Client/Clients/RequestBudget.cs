namespace AuthCluster.Client.Clients;

/// <summary>How long a request may take and how often it may be repeated; travels with the request into the resilience pipeline.</summary>
internal sealed record RequestBudget(TimeSpan Attempt, TimeSpan Total, int Retries)
{
    private static readonly HttpRequestOptionsKey<RequestBudget> Key = new("authcluster.budget");

    public static RequestBudget Of(AuthClusterTokenOptions options) => new(options.AttemptTimeout, options.Timeout, options.MaxRetries);

    public static RequestBudget Of(HttpRequestMessage? request) =>
        request is not null && request.Options.TryGetValue(Key, out var budget)
            ? budget
            : throw new InvalidOperationException("A request of this client carries its budget.");

    /// <summary>True for this library's own requests to the authorization server.</summary>
    public static bool IsOn(HttpRequestMessage request) => request.Options.TryGetValue(Key, out _);

    public void AttachTo(HttpRequestMessage request) => request.Options.Set(Key, this);
}
