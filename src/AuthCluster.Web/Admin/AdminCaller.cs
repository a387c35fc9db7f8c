using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>One authenticated request to the admin API.</summary>
/// <param name="Http">The request.</param>
/// <param name="Actor">The client id of the token.</param>
internal sealed record AdminRequest(HttpContext Http, string Actor)
{
    private const int AuditIdBytes = 16;

    /// <summary>A value of the route.</summary>
    public string Route(string name) => Http.Request.RouteValues[name] as string ?? "";

    /// <summary>Who makes a change. Made once for each request, so that a repeat of the grain's call is known as one.</summary>
    public ActorRecord NewActor() => new(
        Actor,
        Http.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : "",
        Http.TraceIdentifier,
        Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(AuditIdBytes)));
}
