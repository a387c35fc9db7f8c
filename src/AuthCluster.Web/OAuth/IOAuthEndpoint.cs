namespace AuthCluster.Web.OAuth;

/// <summary>The OAuth endpoints.</summary>
internal enum OAuthEndpointKind
{
    /// <summary><c>/oauth/token</c>.</summary>
    Token,

    /// <summary>Introspection, revocation and the revocation feed. The metrics of tokens don't count them.</summary>
    Caller,
}

/// <summary>Answers the requests to one path.</summary>
internal interface IOAuthEndpoint
{
    /// <summary>Which endpoint it is, for the log and the metrics.</summary>
    OAuthEndpointKind Kind { get; }

    /// <summary>Answers one request of any method.</summary>
    Task<IOAuthAnswer> AnswerAsync(OAuthExchange exchange);
}
