using System.Globalization;
using AuthCluster.Protocol.Limits;
using AuthCluster.Protocol.Tokens;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Tokens;

/// <summary>Writes the answers of the OAuth endpoints (RFC 6749 sections 5.1 and 5.2).</summary>
internal static class OAuthAnswer
{
    /// <summary>The methods of a published document, as <c>Allow</c> lists them.</summary>
    public const string ReadMethods = "GET, HEAD";

    private const string Challenge = "Basic realm=\"authcluster\"";
    private const string Json = "application/json";

    /// <summary>Answers to requests with credentials are never cached, errors included.</summary>
    public static void ForbidCaching(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.Pragma = "no-cache";
    }

    /// <summary>Writes an error.</summary>
    /// <param name="response">The response.</param>
    /// <param name="error">The error.</param>
    /// <param name="retryAfter">When to ask again, for 429 and 503.</param>
    public static Task WriteErrorAsync(HttpResponse response, OAuthError error, TimeSpan? retryAfter = null)
    {
        ForbidCaching(response);
        response.StatusCode = error.Status;
        switch (error.Status)
        {
            case StatusCodes.Status401Unauthorized:
                response.Headers.WWWAuthenticate = Challenge;
                break;
            case StatusCodes.Status405MethodNotAllowed:
                response.Headers.Allow = ReferenceEquals(error, OAuthError.MethodNotGetOrHead) ? ReadMethods
                    : ReferenceEquals(error, OAuthError.MethodNotGet) ? HttpMethods.Get
                    : HttpMethods.Post;
                break;
            case StatusCodes.Status415UnsupportedMediaType:
                // RFC 7694 section 3.
                response.Headers.AcceptEncoding = "identity";
                break;
            case StatusCodes.Status408RequestTimeout:
                response.Headers.Connection = "close";
                break;
        }

        if (retryAfter is { } after)
        {
            response.Headers.RetryAfter = RateLimitFields.RetryAfterSeconds(after).ToString(CultureInfo.InvariantCulture);
        }

        return WriteJsonAsync(response, error.Body);
    }

    /// <summary>Writes a JSON body of known length.</summary>
    public static async Task WriteJsonAsync(HttpResponse response, ReadOnlyMemory<byte> body)
    {
        response.ContentType = Json;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body);
        }
    }
}
