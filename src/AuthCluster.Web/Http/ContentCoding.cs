using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Http;

/// <summary>The coding of a body (RFC 9110 section 8.4). No endpoint inflates one.</summary>
internal static class ContentCoding
{
    private const string Identity = "identity";

    /// <summary>Whether a body is sent as it is: <c>Content-Encoding</c> is absent, empty, or names <c>identity</c> alone.</summary>
    public static bool IsNone(HttpRequest request)
    {
        foreach (var value in request.Headers.ContentEncoding)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var coding = value.AsSpan(range).Trim();
                if (!coding.IsEmpty && !coding.Equals(Identity, StringComparison.OrdinalIgnoreCase))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
