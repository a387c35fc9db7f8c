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
        .Changes();

    private static async Task<AdminAnswer> RevokeAllAsync(AdminRequest request, AdminGrains grains)
    {
        var answer = await grains.ChangeAsync(
            request.NewChange(), actor => grains.KeyRing.RaiseFloorAsync(actor, CancellationToken.None), new RaiseFloorAnswer(false, 0));
        return answer.Done
            ? StoredChange.Answer(new AdminAnswer(StatusCodes.Status204NoContent), answer.UnconfirmedFor)
            : AdminProblem.Unavailable;
    }
}
