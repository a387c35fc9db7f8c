using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AuthCluster.Web.Admin;

/// <summary>One authenticated request to the admin API.</summary>
/// <param name="Http">The request.</param>
/// <param name="Actor">The client id of the token.</param>
/// <param name="Query">The parameters of the query string.</param>
internal sealed record AdminRequest(HttpContext Http, string Actor, AdminQuery Query)
{
    private const int AuditIdBytes = 16;
    private const string EncodedSlash = "%2F";
    private const string EncodedPercent = "%25";

    /// <summary>A value of the route, decoded.</summary>
    /// <remarks>
    /// The server decodes all of a path but <c>%2F</c>, so that a value keeps its place between the slashes. What the caller sent as
    /// <c>%252F</c> looks the same by then, and is left as it is: with its percent sign it names nothing.
    /// </remarks>
    public string Route(string name)
    {
        var value = Http.Request.RouteValues[name] as string ?? "";
        return value.Contains(EncodedSlash, StringComparison.OrdinalIgnoreCase) && !HasEncodedPercent()
            ? value.Replace(EncodedSlash, "/", StringComparison.OrdinalIgnoreCase)
            : value;
    }

    /// <summary>Who makes a change. Made once for each request, so that a repeat of the grain's call is known as one.</summary>
    public ActorRecord NewActor() => new(
        Actor,
        Http.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : "",
        Http.TraceIdentifier,
        Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(AuditIdBytes)));

    private bool HasEncodedPercent() =>
        Http.Features.Get<IHttpRequestFeature>()?.RawTarget.Split('?')[0].Contains(EncodedPercent, StringComparison.Ordinal) ?? false;
}
