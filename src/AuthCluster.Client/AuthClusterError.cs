namespace AuthCluster.Client;

/// <summary>Why the authorization server gave no answer that could be used. Each has its advice in <see cref="AuthClusterException.Advice"/>.</summary>
public enum AuthClusterError
{
    /// <summary><c>invalid_request</c>: the server did not understand the request (RFC 6749 §5.2).</summary>
    InvalidRequest,

    /// <summary><c>invalid_client</c>: unknown id, wrong or expired secret, disabled client; the server does not say which.</summary>
    InvalidClient,

    /// <summary><c>unauthorized_client</c>: the client may not use this grant.</summary>
    UnauthorizedClient,

    /// <summary><c>unsupported_grant_type</c>: the server does not know client credentials.</summary>
    UnsupportedGrantType,

    /// <summary><c>invalid_scope</c>: a scope that the client may not have.</summary>
    InvalidScope,

    /// <summary><c>invalid_target</c>: an audience that the client may not have (RFC 8707 §2).</summary>
    InvalidTarget,

    /// <summary>429, <c>slow_down</c>: over the client's rate limit or quota.</summary>
    SlowDown,

    /// <summary>503, <c>temporarily_unavailable</c>: the server can't decide at the moment.</summary>
    TemporarilyUnavailable,

    /// <summary>5xx, <c>server_error</c>: a fault in the server.</summary>
    ServerError,

    /// <summary>No connection, a broken one, or a name that does not resolve.</summary>
    Unreachable,

    /// <summary>No answer within the time allowed.</summary>
    TimedOut,

    /// <summary>An answer that is not what the specifications say, or an error code unknown to this library.</summary>
    UnexpectedAnswer,

    /// <summary>This side's own settings: no readable secret, another issuer than the configured one, plain http.</summary>
    Misconfigured,
}
