using AuthCluster.Contracts.Keys;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/revoke-tokens</c>: every token of every client that was issued before is dead.</summary>
internal static class EmergencyRoutes
{
    public static void Map(AdminRouteGroup routes) => routes.Map(HttpMethods.Post, "/revoke-tokens", RevokeAllAsync, AdminRouteDocs.RevokeAllTokens);

    private static async Task<AdminAnswer> RevokeAllAsync(AdminRequest request, AdminServices services)
    {
        var actor = request.NewActor();
        var answer = await services.Authority.AskAsync(
            () => services.Authority.KeyRing.RaiseFloorAsync(actor, CancellationToken.None), new RaiseFloorAnswer(false, 0));
        return answer.Done ? new AdminAnswer(StatusCodes.Status204NoContent) : AdminProblem.Unavailable;
    }
}
