namespace AuthCluster.Client.Clients;

/// <summary>How long an answer asks to be left alone (RFC 9110 §10.2.3). Compiled into each package that reads it.</summary>
internal static class RetryAfter
{
    /// <summary>
    /// The answer's Retry-After, seconds or a date, as a duration, or null. A date is measured from the answer's own Date, so that our wall
    /// clock does not matter; from that clock only where there is none. One that says now, or a time that has passed, is as none: then
    /// our own backoff counts.
    /// </summary>
    public static TimeSpan? Of(HttpResponseMessage response, TimeProvider clock) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > TimeSpan.Zero => delta,
        { Date: { } date } when date - (response.Headers.Date ?? clock.GetUtcNow()) is var left && left > TimeSpan.Zero => left,
        _ => null,
    };
}
