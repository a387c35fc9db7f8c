using System.Net;

namespace AuthCluster.Client.Clients;

/// <summary>An error answer (RFC 6749 §5.2) and what this library calls it.</summary>
internal sealed record ErrorResponse
{
    private const int MaxDescription = 200;

    public string? Error { get; init; }

    public string? ErrorDescription { get; init; }

    /// <summary>Turns an answer that is not a success into the exception that tells why.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="secret">The secret that was sent: a description that repeats it is dropped.</param>
    /// <param name="clock">The clock for a Retry-After that is a date.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<AuthClusterException> ReadAsync(HttpResponseMessage response, string secret, TimeProvider clock, CancellationToken cancellationToken)
    {
        var body = await JsonAnswer.TryReadAsync(response, ClientJson.Default.ErrorResponse, cancellationToken);
        var error = Classify(response.StatusCode, body?.Error);
        var description = Printable(body?.ErrorDescription, secret);
        var status = (int)response.StatusCode;
        var detail = (body?.Error is { } && Printable(body.Error, secret) is { Length: > 0 } code ? $"The authorization server answered {status} {code}" : $"The authorization server answered {status}")
            + (description.Length == 0 ? "." : $": {description}.");
        return new AuthClusterException(error, detail, RetryAfter.Of(response, clock));
    }

    private static AuthClusterError Classify(HttpStatusCode status, string? code) => (status, code) switch
    {
        (HttpStatusCode.TooManyRequests, _) or (_, "slow_down") => AuthClusterError.SlowDown,
        (_, "temporarily_unavailable") or (HttpStatusCode.ServiceUnavailable, _) => AuthClusterError.TemporarilyUnavailable,
        (_, "server_error") or ( >= HttpStatusCode.InternalServerError, _) => AuthClusterError.ServerError,
        (_, "invalid_request") => AuthClusterError.InvalidRequest,
        (_, "invalid_client") => AuthClusterError.InvalidClient,
        (_, "unauthorized_client") => AuthClusterError.UnauthorizedClient,
        (_, "unsupported_grant_type") => AuthClusterError.UnsupportedGrantType,
        (_, "invalid_scope") => AuthClusterError.InvalidScope,
        (_, "invalid_target") => AuthClusterError.InvalidTarget,
        _ => AuthClusterError.UnexpectedAnswer,
    };

    /// <summary>Foreign text for a message: the characters of RFC 6749 §5.2, shortened, and never our own secret played back.</summary>
    private static string Printable(string? text, string secret)
    {
        if (string.IsNullOrEmpty(text) || text.Contains(secret, StringComparison.Ordinal))
            return "";
        var kept = text.Length > MaxDescription ? text[..MaxDescription] : text;
        return string.Create(kept.Length, kept, static (span, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                span[i] = from[i] is >= ' ' and <= '~' and not '"' and not '\\' ? from[i] : '?';
        }).TrimEnd('.', ' ');
    }
}
