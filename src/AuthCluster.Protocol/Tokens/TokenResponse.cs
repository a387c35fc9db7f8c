using System.Buffers;

namespace AuthCluster.Protocol.Tokens;

/// <summary>Writes the successful answer of the token endpoint (RFC 6749 section 5.1).</summary>
public static class TokenResponse
{
    /// <summary>Writes exactly <c>access_token</c>, <c>token_type</c>, <c>expires_in</c> and <c>scope</c>, in this order.</summary>
    /// <param name="writer">The buffer to write to.</param>
    /// <param name="accessToken">The token.</param>
    /// <param name="expiresInSeconds">Seconds until it expires.</param>
    /// <param name="scope">The granted scopes as <see cref="ScopeSet.ToString"/> gives them; empty for none.</param>
    public static void Write(IBufferWriter<byte> writer, string accessToken, long expiresInSeconds, string scope) =>
        ProtocolJson.Write(writer, new TokenDocument(accessToken, TokenType: "Bearer", expiresInSeconds, scope), ProtocolJson.Default.TokenDocument);
}

/// <summary>The members of the answer in their order.</summary>
internal readonly record struct TokenDocument(string AccessToken, string TokenType, long ExpiresIn, string Scope)
{
    /// <summary>Prints no token.</summary>
    public override string ToString() => nameof(TokenDocument);
}
