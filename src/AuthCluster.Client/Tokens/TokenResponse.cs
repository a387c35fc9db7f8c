namespace AuthCluster.Client.Tokens;

/// <summary>A successful answer of the token endpoint (RFC 6749 §5.1).</summary>
internal sealed class TokenResponse
{
    public string? AccessToken { get; init; }

    public string? TokenType { get; init; }

    public long? ExpiresIn { get; init; }

    public string? Scope { get; init; }
}
