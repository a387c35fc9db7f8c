using System.Globalization;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using AuthCluster.Web.Keys;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Metadata;

/// <summary>Serves the metadata documents (RFC 8414) and the JWKS (RFC 7517) from memory.</summary>
/// <remarks>
/// Scripts of every origin may read the answers, errors too, because they are public and the same for everybody. No other endpoint allows
/// that: a page that could call the token endpoint would hold a client's secret where every visitor can read it.
/// </remarks>
public sealed class WellKnownEndpoints(KeyRing keys, IssuerUri issuer)
{
    private const string PreflightMaxAge = "600";
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly string CacheControl = string.Create(CultureInfo.InvariantCulture, $"public, max-age={(int)MaxAge.TotalSeconds}");

    private readonly ServerMetadata _server = new() { Issuer = issuer };
    private byte[]? _metadata;
    private OpenIdDocument? _openId;

    /// <summary>Maps the documents, at the root and at the paths where clients of an issuer with a path look for them.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        // The OAuth endpoints answer below the issuer's path and at the root, so the documents do too.
        MapDocument(
            routes, WriteMetadata, "/.well-known/oauth-authorization-server", issuer.MetadataPath, issuer.Path + "/.well-known/oauth-authorization-server");
        MapDocument(
            routes, WriteOpenIdMetadata, "/.well-known/openid-configuration", issuer.OpenIdConfigurationPath, issuer.OpenIdConfigurationInsertedPath);
        MapDocument(routes, WriteJwks, ServerMetadata.JwksPath, issuer.Path + ServerMetadata.JwksPath);
    }

    private static void MapDocument(IEndpointRouteBuilder routes, RequestDelegate write, params string[] paths)
    {
        foreach (var path in paths.Distinct(StringComparer.Ordinal))
        {
            // Every method is mapped, so that a script of another origin can read the refusal of a method too.
            routes.Map(path, context => HandleAsync(context, write));
        }
    }

    private static Task HandleAsync(HttpContext context, RequestDelegate write)
    {
        var response = context.Response;
        response.Headers.AccessControlAllowOrigin = "*";
        response.Headers.AccessControlExposeHeaders = "ETag";
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            return write(context);
        }

        if (HttpMethods.IsOptions(context.Request.Method) && context.Request.Headers.AccessControlRequestMethod.Count > 0)
        {
            // A preflight: the browser sends it before the request of a script that sets If-None-Match or a header of its own.
            response.StatusCode = StatusCodes.Status204NoContent;
            response.Headers.AccessControlAllowMethods = OAuthErrorResponse.ReadMethods;
            response.Headers.AccessControlAllowHeaders = "*";
            response.Headers.AccessControlMaxAge = PreflightMaxAge;
            return Task.CompletedTask;
        }

        return OAuthErrorResponse.WriteAsync(response, OAuthError.MethodNotGetOrHead).AsTask();
    }

    private Task WriteMetadata(HttpContext context)
    {
        context.Response.Headers.CacheControl = CacheControl;
        return JsonResponse.WriteAsync(context.Response, _metadata ??= _server.ToJson()).AsTask();
    }

    private Task WriteOpenIdMetadata(HttpContext context)
    {
        if (keys.Current is not { } snapshot)
        {
            return WriteNoKeys(context.Response);
        }

        var document = _openId;
        if (document is null || document.Keys != snapshot)
        {
            document = new OpenIdDocument(snapshot, _server.ToOpenIdJson(snapshot.Algorithms));
            _openId = document;
        }

        context.Response.Headers.CacheControl = CacheControl;
        return JsonResponse.WriteAsync(context.Response, document.Json).AsTask();
    }

    private Task WriteJwks(HttpContext context)
    {
        var response = context.Response;
        if (keys.Current is not { } snapshot)
        {
            return WriteNoKeys(response);
        }

        response.Headers.CacheControl = CacheControl;
        response.Headers.ETag = snapshot.JwksETag;
        if (context.Request.Headers.IfNoneMatch is { Count: > 0 } tags && Matches(tags.ToString(), snapshot.JwksETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return JsonResponse.WriteAsync(response, snapshot.Jwks).AsTask();
    }

    private static Task WriteNoKeys(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.Headers.RetryAfter = "1";
        return Task.CompletedTask;
    }

    /// <summary>RFC 9110 section 13.1.2: any of the listed tags, compared weakly, or a star.</summary>
    private static bool Matches(string ifNoneMatch, string etag) =>
        ifNoneMatch.Split(',', StringSplitOptions.TrimEntries).Any(tag =>
            tag == "*" || (tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag) == etag);

    /// <summary>The document that names the algorithms of a snapshot's keys.</summary>
    private sealed record OpenIdDocument(KeySnapshot Keys, byte[] Json);
}
