using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>The client that a request names in its route, and the ETag that the client must have for it.</summary>
internal readonly record struct ClientTarget(ClientId Id, IfMatch Match)
{
    /// <summary>Where a client is found.</summary>
    public static string LocationOf(ClientId id) => $"{AdminSetup.Prefix}{ClientRoutes.All}/{Uri.EscapeDataString(id.Value)}";

    /// <summary>Reads the client id of the route; null for an id outside the grammar, which no client has.</summary>
    public static ClientId? IdOf(AdminRequest request) => ClientId.TryParse(request.Route("id"), out var id) ? id : null;

    /// <summary>Reads the id, <c>If-Match</c> and, for a change, <c>If-None-Match</c>.</summary>
    public static async Task<(ClientTarget Target, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminGrains grains)
    {
        if (IdOf(request) is not { } id)
        {
            return (default, AdminProblem.NotFound("client"));
        }

        var (match, problem) = await IfMatch.ReadAsync(request, grains, id);
        return (new ClientTarget(id, match), problem);
    }

    /// <summary>Reads the client itself, for a request that reads. A client with another ETag than <c>If-Match</c> names is a problem.</summary>
    public static async Task<(ClientTarget Target, ClientView? Client, AdminAnswer? Problem)> ReadClientAsync(AdminRequest request, AdminGrains grains)
    {
        var (target, problem) = await ReadAsync(request, grains);
        if (problem is not null)
        {
            return (target, null, problem);
        }

        var answer = await grains.ReadClientAsync(target.Id);
        return answer is not { Outcome: ClientOutcome.Done, Client: { } client } ? (target, null, AdminProblem.OfRead(answer.Outcome))
            : target.Match.Admits(client.ETag) ? (target, client, null)
            : (target, null, AdminProblem.Stale);
    }
}
