using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace AuthCluster.Web.Admin;

/// <summary>The <c>If-None-Match</c> of a request (RFC 9110 section 13.1.2). The present ETag in it means 304 for a read, 412 for a change.</summary>
internal static class IfNoneMatch
{
    private const string Header = "If-None-Match";

    /// <summary>The 304 of a read, when the request names this ETag; null when the read is to be answered in full.</summary>
    public static AdminAnswer? UnchangedOf(AdminRequest request, string etag) =>
        TryRead(request, out var tags) is null && Names(tags, etag) ? new AdminAnswer(StatusCodes.Status304NotModified) { ETag = etag } : null;

    /// <summary>The problem of a request that must not go on: the header can't be read, or names the present ETag of the client to change.</summary>
    public static async Task<AdminAnswer?> ForbidsAsync(AdminRequest request, AdminGrains grains, ClientId id)
    {
        if (TryRead(request, out var tags) is { } problem)
        {
            return problem;
        }

        if (tags.Count == 0 || HttpMethods.IsGet(request.Http.Request.Method))
        {
            return null;
        }

        var present = await grains.ReadClientAsync(id);
        return present switch
        {
            { Outcome: ClientOutcome.Unavailable } => AdminProblem.NothingDone,
            { Client: { } client } when Names(tags, client.ETag) => AdminProblem.Matched,
            _ => null,
        };
    }

    private static AdminAnswer? TryRead(AdminRequest request, out IList<EntityTagHeaderValue> tags)
    {
        var header = request.Http.Request.Headers.IfNoneMatch;
        tags = [];
        if (header.Count > 0 && (!EntityTagHeaderValue.TryParseStrictList([.. header.OfType<string>()], out var read) || (tags = read).Count == 0))
        {
            return AdminProblem.Invalid(Header, "Must be * or a list of ETags in double quotes, as the ETag header gives them.");
        }

        return null;
    }

    /// <summary>The comparison is the weak one.</summary>
    private static bool Names(IList<EntityTagHeaderValue> tags, string etag) =>
        tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Tag.Value![1..^1] == etag);
}
