namespace AuthCluster.Client.Clients;

/// <summary>How long a request may take and how often it may be repeated.</summary>
/// <param name="Attempt">Longest time for one attempt.</param>
/// <param name="Total">Longest time for all that the call does.</param>
/// <param name="Retries">How often it may be repeated.</param>
/// <param name="Begun">The timestamp from which <paramref name="Total"/> counts.</param>
internal sealed record RequestBudget(TimeSpan Attempt, TimeSpan Total, int Retries, long Begun)
{
    /// <summary>The budget of the options; begins now.</summary>
    public static RequestBudget Of(AuthClusterTokenOptions options, TimeProvider clock) =>
        new(options.AttemptTimeout, options.Timeout, options.MaxRetries, clock.GetTimestamp());

    /// <summary>One request and its repeats, which together may take as long as one attempt; begins now.</summary>
    public static RequestBudget Of(TimeSpan total, int retries, TimeProvider clock) => new(total, total, retries, clock.GetTimestamp());

    /// <summary>The same without repeats: for a server that was down a moment ago.</summary>
    public RequestBudget Once() => this with { Retries = 0 };

    /// <summary>How much of the total is left, not below zero.</summary>
    public TimeSpan Left(TimeProvider clock) => Pause.Larger(Total - clock.GetElapsedTime(Begun), TimeSpan.Zero);

    /// <summary>Whether a repeat is left, and time for it after the pause.</summary>
    /// <param name="attempt">How many repeats there have been.</param>
    /// <param name="pause">The pause before the next.</param>
    /// <param name="clock">The clock.</param>
    public bool HasRoomFor(int attempt, TimeSpan pause, TimeProvider clock) => attempt < Retries && pause < Left(clock);
}
