using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using Microsoft.Net.Http.Headers;

namespace AuthCluster.Web.Admin;

/// <summary>The <c>If-Match</c> of a request (RFC 9110 section 13.1.1).</summary>
/// <param name="IsGiven">Whether there is one.</param>
/// <param name="ETag">The value that the present one must have; null for any.</param>
internal readonly record struct IfMatch(bool IsGiven, string? ETag)
{
    /// <summary>Matches no ETag that the server makes.</summary>
    private const string None = "none";

    /// <summary>Whether a request with it may go on when the client has this ETag.</summary>
    public bool Admits(string etag) => ETag is null || ETag == etag;

    /// <summary>
    /// Reads the header. Of several ETags it takes the present one, if it is among them. A change that <c>If-None-Match</c> forbids is a
    /// problem too; for a read, the route itself looks at <c>If-None-Match</c>.
    /// </summary>
    public static async Task<(IfMatch Match, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminGrains grains, ClientId id)
    {
        if (await IfNoneMatch.ForbidsAsync(request, grains, id) is { } forbidden)
        {
            return (default, forbidden);
        }

        var header = request.Http.Request.Headers.IfMatch;
        if (header.Count == 0)
        {
            return (default, null);
        }

        if (!EntityTagHeaderValue.TryParseStrictList([.. header.OfType<string>()], out var tags) || tags.Count == 0)
        {
            return (default, AdminProblem.Invalid("If-Match", "Must be * or a list of ETags in double quotes, as the ETag header gives them."));
        }

        if (tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any)))
        {
            return (new IfMatch(true, null), null);
        }

        // The comparison is the strong one: a weak ETag never matches.
        var strong = tags.Where(tag => !tag.IsWeak).Select(tag => tag.Tag.Value![1..^1]).ToList();
        if (strong.Count <= 1)
        {
            return (new IfMatch(true, strong.FirstOrDefault() ?? None), null);
        }

        var present = await grains.ReadClientAsync(id);
        return present.Outcome == ClientOutcome.Unavailable
            ? (default, AdminProblem.NothingDone)
            : (new IfMatch(true, present.Client is { } client && strong.Contains(client.ETag) ? client.ETag : None), null);
    }
}
