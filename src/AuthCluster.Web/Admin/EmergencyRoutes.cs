using AuthCluster.Contracts.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/revoke-tokens</c>: ends every token of every client that was issued before.</summary>
internal static class EmergencyRoutes
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/revoke-tokens", RevokeAllAsync).WithTags(AdminTags.Emergency)
        .WithName("revokeAllTokens").WithSummary("Ends every token of every client that was issued before, yours too.")
        .Produces(204);

    private static async Task<AdminAnswer> RevokeAllAsync(AdminRequest request, AdminGrains grains)
    {
        var actor = request.NewActor();
        var answer = await grains.AskAsync(() => grains.KeyRing.RaiseFloorAsync(actor, CancellationToken.None), new RaiseFloorAnswer(false, 0));
        return answer.Done ? new AdminAnswer(StatusCodes.Status204NoContent) : AdminProblem.Unavailable;
    }
}
