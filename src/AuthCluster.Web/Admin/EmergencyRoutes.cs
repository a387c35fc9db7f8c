using AuthCluster.Contracts.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/revoke-tokens</c>: every token of every client that was issued before is dead.</summary>
internal static class EmergencyRoutes
{
    private static readonly AdminRouteDoc RevokeAll = new("revokeAllTokens", AdminTags.Emergency, "Ends every token of every client that was issued before, yours too.")
    {
        Answers = [(204, null)],
    };

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/revoke-tokens", RevokeAllAsync).Describe(RevokeAll);

    private static async Task<AdminAnswer> RevokeAllAsync(AdminRequest request, AdminServices services)
    {
        var actor = request.NewActor();
        var answer = await services.Authority.AskAsync(
            () => services.Authority.KeyRing.RaiseFloorAsync(actor, CancellationToken.None), new RaiseFloorAnswer(false, 0));
        return answer.Done ? new AdminAnswer(StatusCodes.Status204NoContent) : AdminProblem.Unavailable;
    }
}
