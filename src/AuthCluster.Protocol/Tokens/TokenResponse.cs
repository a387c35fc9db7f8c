using System.Buffers;
using System.Globalization;
using System.Text;

namespace AuthCluster.Protocol.Tokens;

/// <summary>Writes the bodies of the token endpoint (RFC 6749 sections 5.1 and 5.2).</summary>
/// <remarks>By hand, straight into the response's pipe: all parts are of alphabets that JSON does not escape, which is checked.</remarks>
public static class TokenResponse
{
    /// <summary>The media type of every body of the OAuth endpoints.</summary>
    public const string ContentType = "application/json";

    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    private static readonly SearchValues<char> Unescaped = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    /// <summary>Writes exactly <c>access_token</c>, <c>token_type</c>, <c>expires_in</c> and <c>scope</c>, in this order.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="accessToken">The token, of the characters of RFC 6750 section 2.1.</param>
    /// <param name="expiresInSeconds">Seconds until it expires.</param>
    /// <param name="scope">The granted scopes as <see cref="ScopeSet.ToString"/> gives them; empty for none.</param>
    /// <exception cref="ArgumentException">Token or scope have characters that they can't have.</exception>
    public static void Write(IBufferWriter<byte> writer, string accessToken, long expiresInSeconds, string scope)
    {
        if (accessToken.Length == 0 || accessToken.AsSpan().ContainsAnyExcept(TokenCharacters))
        {
            throw new ArgumentException("Not a b64token (RFC 6750 section 2.1).", nameof(accessToken));
        }

        if (scope.AsSpan().ContainsAnyExcept(Unescaped))
        {
            throw new ArgumentException("Not a list of scope tokens (RFC 6749 section 3.3).", nameof(scope));
        }

        writer.Write("{\"access_token\":\""u8);
        Encoding.ASCII.GetBytes(accessToken, writer);
        writer.Write("\",\"token_type\":\"Bearer\",\"expires_in\":"u8);
        var number = writer.GetSpan(20);
        expiresInSeconds.TryFormat(number, out var written, provider: CultureInfo.InvariantCulture);
        writer.Advance(written);
        writer.Write(",\"scope\":\""u8);
        Encoding.ASCII.GetBytes(scope, writer);
        writer.Write("\"}"u8);
    }

    /// <summary>Writes <c>error</c> and <c>error_description</c>.</summary>
    public static void WriteError(IBufferWriter<byte> writer, OAuthError error) => writer.Write(error.Body.Span);

    /// <summary>Writes <c>error</c>, <c>error_description</c> and <c>correlation_id</c>, for a fault that someone has to look up in the log.</summary>
    /// <exception cref="ArgumentException">The id has characters that JSON would escape.</exception>
    public static void WriteError(IBufferWriter<byte> writer, OAuthError error, string correlationId)
    {
        if (correlationId.AsSpan().ContainsAnyExcept(Unescaped))
        {
            throw new ArgumentException("Not a correlation id.", nameof(correlationId));
        }

        writer.Write(error.Body.Span[..^1]);
        writer.Write(",\"correlation_id\":\""u8);
        Encoding.ASCII.GetBytes(correlationId, writer);
        writer.Write("\"}"u8);
    }
}
