using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace AuthCluster.Web.Admin;

/// <summary>Describes the headers of the answers.</summary>
internal static class AdminOpenApiHeaders
{
    private static readonly (string Name, string Description) ETag =
        (HeaderNames.ETag, "The version of the client, in double quotes: what If-Match takes.");

    private static readonly (string Name, string Description) Location =
        (HeaderNames.Location, "Where what was made is found, as a path on this server.");

    /// <summary>Adds them to an operation's answers.</summary>
    public static void Add(OpenApiOperation operation, AdminRouteDoc doc)
    {
        foreach (var (status, answer) in operation.Responses ?? [])
        {
            if (answer is OpenApiResponse response)
            {
                var headers = HeadersOf(int.Parse(status, CultureInfo.InvariantCulture), doc).ToDictionary(
                    header => header.Name,
                    IOpenApiHeader (header) => new OpenApiHeader { Description = header.Description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
                response.Headers = headers.Count > 0 ? headers : null;
            }
        }
    }

    private static IEnumerable<(string Name, string Description)> HeadersOf(int status, AdminRouteDoc doc) => status switch
    {
        StatusCodes.Status200OK or StatusCodes.Status201Created or StatusCodes.Status304NotModified =>
            [.. doc.HasETag ? [ETag] : Array.Empty<(string, string)>(), .. doc.HasLocation ? [Location] : Array.Empty<(string, string)>()],
        StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden =>
            [(HeaderNames.WWWAuthenticate, "What is wrong with the access token (RFC 6750 section 3).")],
        StatusCodes.Status415UnsupportedMediaType =>
        [
            doc.BodyType == AdminBody.Json
                ? (HeaderNames.Accept, "The media type that is taken, where the body has another.")
                : (AdminBody.AcceptPatch, "The media type that is taken, where the body has another."),
            (HeaderNames.AcceptEncoding, "The content coding that is taken, where the body has another."),
        ],
        StatusCodes.Status503ServiceUnavailable => [(HeaderNames.RetryAfter, "When to send the same again, in seconds.")],
        _ => [],
    };
}
