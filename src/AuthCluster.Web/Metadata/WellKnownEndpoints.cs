using System.Globalization;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Metadata;

/// <summary>The metadata document (RFC 8414) and the JWKS (RFC 7517), from memory.</summary>
public sealed class WellKnownEndpoints(KeyRing keys, IssuerUri issuer)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly string CacheControl = string.Create(CultureInfo.InvariantCulture, $"public, max-age={(int)MaxAge.TotalSeconds}");

    private readonly byte[] _metadata = new ServerMetadata { Issuer = issuer, HasIntrospection = true, HasRevocation = true }.ToJson();

    /// <summary>Maps the documents, at the root and where an issuer with a path has them.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        // The root has them too: "the endpoints answer below the issuer's path and at the root".
        string[] metadata =
        [
            "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
            issuer.MetadataPath, issuer.OpenIdConfigurationPath, issuer.OpenIdConfigurationInsertedPath,
            issuer.Path + "/.well-known/oauth-authorization-server",
        ];
        foreach (var path in metadata.Distinct(StringComparer.Ordinal))
        {
            MapDocument(routes, path, WriteMetadata);
        }

        foreach (var path in new[] { ServerMetadata.JwksPath, issuer.Path + ServerMetadata.JwksPath }.Distinct(StringComparer.Ordinal))
        {
            MapDocument(routes, path, WriteJwks);
        }
    }

    private static void MapDocument(IEndpointRouteBuilder routes, string pattern, RequestDelegate handler) =>
        routes.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], handler);

    private Task WriteMetadata(HttpContext context)
    {
        context.Response.Headers.CacheControl = CacheControl;
        return OAuthAnswer.WriteJsonAsync(context.Response, _metadata);
    }

    private Task WriteJwks(HttpContext context)
    {
        var response = context.Response;
        if (keys.Current is not { } snapshot)
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            response.Headers.RetryAfter = "1";
            return Task.CompletedTask;
        }

        response.Headers.CacheControl = CacheControl;
        response.Headers.ETag = snapshot.JwksETag;
        if (context.Request.Headers.IfNoneMatch is { Count: > 0 } tags && Matches(tags.ToString(), snapshot.JwksETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return OAuthAnswer.WriteJsonAsync(response, snapshot.Jwks);
    }

    /// <summary>RFC 9110 section 13.1.2: any of the listed tags, compared weakly, or a star.</summary>
    private static bool Matches(string ifNoneMatch, string etag) =>
        ifNoneMatch.Split(',', StringSplitOptions.TrimEntries).Any(tag =>
            tag == "*" || (tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag) == etag);
}
