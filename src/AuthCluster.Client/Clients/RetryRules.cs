using System.Net;

namespace AuthCluster.Client.Clients;

/// <summary>
/// When a request to the authorization server is repeated. A token request changes nothing, so every failure that may be temporary is tried again,
/// with exponential backoff and jitter, and never before the time that the server named.
/// </summary>
internal static class RetryRules
{
    /// <summary>
    /// The longest Retry-After that a call waits for. For a longer one the call fails at once, and no request is sent until it has passed.
    /// </summary>
    public static readonly TimeSpan MaxWaitInCall = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(4);

    /// <summary>How long to wait before the next attempt.</summary>
    /// <param name="attempt">How many attempts came before the one that failed.</param>
    /// <param name="asked">What the server asked for, if it did.</param>
    public static TimeSpan DelayAfter(int attempt, TimeSpan? asked) => Pause.After(attempt, FirstDelay, MaxDelay, asked);

    /// <summary>Whether the same request may get another answer shortly.</summary>
    public static async ValueTask<bool> MayPassAsync(HttpResponseMessage response, CancellationToken cancellationToken) => response.StatusCode switch
    {
        >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => true,
        // Some servers send server_error with status 400, the default of RFC 6749 §5.2.
        HttpStatusCode.BadRequest => (await JsonAnswer.TryReadAsync(response, ClientJson.Default.ErrorResponse, cancellationToken))?.Error is "server_error" or "temporarily_unavailable",
        _ => false,
    };
}
