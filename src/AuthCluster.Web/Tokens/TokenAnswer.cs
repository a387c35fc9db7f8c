using System.Buffers;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Http;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Tokens;

/// <summary>The answer with a token (RFC 6749 section 5.1).</summary>
internal sealed class TokenAnswer(SignedToken token, string scope) : IOAuthAnswer
{
    private const int UsualBytes = 2_048;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    /// <inheritdoc/>
    public async ValueTask WriteAsync(HttpResponse response)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(UsualBytes);
        buffer.ResetWrittenCount();
        TokenResponse.Write(buffer, token.Token, token.ExpiresIn, scope);
        response.ContentType = JsonResponse.MediaType;
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);
        await response.BodyWriter.FlushAsync();
    }
}
