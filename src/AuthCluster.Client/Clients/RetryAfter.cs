namespace AuthCluster.Client.Clients;

/// <summary>How long an answer asks to be left alone (RFC 9110 §10.2.3). Compiled into each package that reads it.</summary>
internal static class RetryAfter
{
    /// <summary>
    /// The answer's Retry-After as a duration; null where it has none, or one that is over already: then our own backoff counts. A date is
    /// measured from the answer's own Date, so that a wrong clock on this machine does no harm. Without a Date the clock has to do.
    /// </summary>
    public static TimeSpan? Of(HttpResponseMessage response, TimeProvider clock) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > TimeSpan.Zero => delta,
        { Date: { } date } when date - (response.Headers.Date ?? clock.GetUtcNow()) is var left && left > TimeSpan.Zero => left,
        _ => null,
    };
}
