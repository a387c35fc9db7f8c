using System.Globalization;
using AuthCluster.Protocol.Limits;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.OAuth;

/// <summary>Writes the errors of the OAuth endpoints (RFC 6749 section 5.2).</summary>
internal static class OAuthErrorResponse
{
    /// <summary>The methods of a published document, as <c>Allow</c> lists them.</summary>
    public const string ReadMethods = "GET, HEAD";

    private const string Challenge = "Basic realm=\"authcluster\"";

    /// <summary>Writes an error.</summary>
    /// <param name="response">The response.</param>
    /// <param name="error">The error.</param>
    /// <param name="retryAfter">When to ask again, for 429 and 503.</param>
    public static ValueTask WriteAsync(HttpResponse response, OAuthError error, TimeSpan? retryAfter = null)
    {
        JsonResponse.ForbidCaching(response);
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

        return JsonResponse.WriteAsync(response, error.Body);
    }
}
