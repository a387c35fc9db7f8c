using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>The client that a request names in its route, and the ETag that the client must have for it.</summary>
internal readonly record struct ClientTarget(ClientId Id, IfMatch Match)
{
    /// <summary>Where a client is found.</summary>
    public static string LocationOf(ClientId id) => $"{AdminSetup.Prefix}{ClientRoutes.All}/{Uri.EscapeDataString(id.Value)}";

    /// <summary>Reads a client id of the route; one outside the grammar is nobody's.</summary>
    public static ClientId? IdOf(AdminRequest request) => ClientId.TryParse(request.Route("id"), out var id) ? id : null;

    /// <summary>Reads the id, <c>If-Match</c> and, for a change, <c>If-None-Match</c>.</summary>
    public static async Task<(ClientTarget Target, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminAuthority authority)
    {
        if (IdOf(request) is not { } id)
        {
            return (default, AdminProblem.NotFound("client"));
        }

        var (match, problem) = await IfMatch.ReadAsync(request, authority, id.Value);
        return (new ClientTarget(id, match), problem);
    }

    /// <summary>Reads the client itself, for a request that reads; one with another ETag than it must have is a problem.</summary>
    public static async Task<(ClientView? Client, AdminAnswer? Problem)> ReadClientAsync(AdminRequest request, AdminServices services)
    {
        var (target, problem) = await ReadAsync(request, services.Authority);
        if (problem is not null)
        {
            return (null, problem);
        }

        var answer = await services.Authority.AskClientAsync(target.Id.Value, grain => grain.GetAsync(CancellationToken.None));
        return answer is not { Outcome: ClientOutcome.Done, Client: { } client } ? (null, AdminProblem.OfRead(answer.Outcome))
            : target.Match.Admits(client.ETag) ? (client, null)
            : (null, AdminProblem.Stale);
    }
}
