using System.Reflection;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.OpenApi;

namespace AuthCluster.Web.Admin;

/// <summary>One request to the admin API, as its handler takes it.</summary>
internal sealed class AdminRequest(HttpContext http) : IBindableFromHttpContext<AdminRequest>
{
    private const int AuditIdBytes = 16;
    private const string EncodedSlash = "%2F";
    private const string EncodedPercent = "%25";

    private AdminQuery? _query;

    /// <summary>The request.</summary>
    public HttpContext Http => http;

    /// <summary>The client id of the token, once the filter has admitted the request.</summary>
    public string Actor => http.User.Identity!.Name!;

    /// <summary>The parameters of the query string.</summary>
    public AdminQuery Query => _query ??= new AdminQuery(
        http.Request.QueryString,
        [.. http.GetEndpoint()!.Metadata.GetOrderedMetadata<OpenApiParameter>()
            .Where(parameter => parameter.In == ParameterLocation.Query).Select(parameter => parameter.Name!)]);

    public static ValueTask<AdminRequest?> BindAsync(HttpContext context, ParameterInfo parameter) => new(new AdminRequest(context));

    /// <summary>A value of the route, decoded.</summary>
    /// <remarks>
    /// Kestrel decodes a path except for <c>%2F</c>, so that a slash within a value does not end the segment. <c>%252F</c> looks the same
    /// after that, and stays as it is: no id contains a percent sign.
    /// </remarks>
    public string Route(string name)
    {
        var value = http.Request.RouteValues[name] as string ?? "";
        return value.Contains(EncodedSlash, StringComparison.OrdinalIgnoreCase) && !HasEncodedPercent()
            ? value.Replace(EncodedSlash, "/", StringComparison.OrdinalIgnoreCase)
            : value;
    }

    /// <summary>When it has to be answered.</summary>
    public AdminDeadline Deadline => http.Features.GetRequiredFeature<AdminDeadline>();

    /// <summary>The change that it makes, with a new audit id. Call it once for each request, so that the grain recognises a repeated call.</summary>
    public AdminChange NewChange() => new(
        new ActorRecord(
            Actor,
            http.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : "",
            http.TraceIdentifier,
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(AuditIdBytes))),
        Deadline);

    private bool HasEncodedPercent() =>
        http.Features.Get<IHttpRequestFeature>()?.RawTarget.Split('?')[0].Contains(EncodedPercent, StringComparison.Ordinal) ?? false;
}
