namespace AuthCluster.Client;

/// <summary>
/// The authorization server could not be used. <see cref="Error"/> says why, <see cref="Advice"/> what to do about it.
/// Neither the message nor any property holds a secret or a token.
/// </summary>
public sealed class AuthClusterException : Exception
{
    /// <summary>Makes an exception; the message gets the advice that belongs to the error.</summary>
    /// <param name="error">Why.</param>
    /// <param name="detail">One sentence on what happened, without secrets.</param>
    /// <param name="retryAfter">How long the server asked to be left alone.</param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public AuthClusterException(AuthClusterError error, string detail, TimeSpan? retryAfter = null, Exception? innerException = null)
        : base($"{detail} {AdviceFor(error)}", innerException)
    {
        Error = error;
        RetryAfter = retryAfter;
    }

    /// <summary>Why.</summary>
    public AuthClusterError Error { get; }

    /// <summary>The OAuth error code where there is one (<c>invalid_client</c>), else a word of the same kind (<c>unreachable</c>).</summary>
    public string Code => CodeOf(Error);

    /// <summary>
    /// How long the server asked to be left alone (RFC 9110 §10.2.3), if it did. No token of that scope and audience is asked for until then, nor, if it
    /// asked for more than an hour, within that hour; a call in between gets the same error with what is left.
    /// </summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>What to do, for the person who reads the log.</summary>
    public string Advice => AdviceFor(Error);

    /// <summary>True when the same request may succeed later without anybody changing anything.</summary>
    public bool IsTransient => Error
        is AuthClusterError.SlowDown or AuthClusterError.TemporarilyUnavailable or AuthClusterError.ServerError
        or AuthClusterError.Unreachable or AuthClusterError.TimedOut;

    internal static string CodeOf(AuthClusterError error) => error switch
    {
        AuthClusterError.InvalidRequest => "invalid_request",
        AuthClusterError.InvalidClient => "invalid_client",
        AuthClusterError.UnauthorizedClient => "unauthorized_client",
        AuthClusterError.UnsupportedGrantType => "unsupported_grant_type",
        AuthClusterError.InvalidScope => "invalid_scope",
        AuthClusterError.InvalidTarget => "invalid_target",
        AuthClusterError.SlowDown => "slow_down",
        AuthClusterError.TemporarilyUnavailable => "temporarily_unavailable",
        AuthClusterError.ServerError => "server_error",
        AuthClusterError.Unreachable => "unreachable",
        AuthClusterError.TimedOut => "timed_out",
        AuthClusterError.UnexpectedAnswer => "unexpected_answer",
        AuthClusterError.Misconfigured => "misconfigured",
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };

    private static string AdviceFor(AuthClusterError error) => error switch
    {
        AuthClusterError.InvalidRequest => "This is a defect of the calling library or of a proxy between: compare versions and report it.",
        AuthClusterError.InvalidClient => "Verify client id and secret, that the secret has not expired or been rotated, and that the client is enabled.",
        AuthClusterError.UnauthorizedClient => "Check the client's grant types: client_credentials must be among them.",
        AuthClusterError.UnsupportedGrantType => "Check the token endpoint's address: the server there does not offer client_credentials.",
        AuthClusterError.InvalidScope => "Ask only for scopes that the client is registered with, or have them added to it.",
        AuthClusterError.InvalidTarget => "Ask only for audiences that the client is registered with, or have them added to it.",
        AuthClusterError.SlowDown => "The client is over its rate limit or quota: wait as long as asked, share one token cache, or have the limit raised.",
        AuthClusterError.TemporarilyUnavailable => "Try again later, with growing pauses; valid tokens go on working meanwhile.",
        AuthClusterError.ServerError => "Try again later, with growing pauses; if it stays, give the server's operators the time of the request.",
        AuthClusterError.Unreachable => "Check address, name resolution, network and TLS certificate between here and the server.",
        AuthClusterError.TimedOut => "Check the network and the server's health; raise AttemptTimeout or Timeout only if the path really is that slow.",
        AuthClusterError.UnexpectedAnswer => "Check that the address is the authorization server's own and that no proxy answers in its place.",
        AuthClusterError.Misconfigured => "Correct this application's settings.",
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };
}
