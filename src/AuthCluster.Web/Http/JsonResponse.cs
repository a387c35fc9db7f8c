using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Http;

/// <summary>Writes JSON bodies.</summary>
internal static class JsonResponse
{
    /// <summary>The media type of JSON.</summary>
    public const string MediaType = "application/json";

    /// <summary>Answers to requests with credentials are never cached, errors included (RFC 6749 section 5.1).</summary>
    public static void ForbidCaching(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.Pragma = "no-cache";
    }

    /// <summary>Writes a JSON body of known length; to HEAD its headers alone.</summary>
    public static async ValueTask WriteAsync(HttpResponse response, ReadOnlyMemory<byte> body)
    {
        response.ContentType = MediaType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body);
        }
    }
}
