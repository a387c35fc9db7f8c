using System.Text.Json;
using AuthCluster.Contracts.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/audit</c>.</summary>
internal static class AuditRoutes
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/audit", ListAsync).WithTags(AdminTags.Reports)
        .WithName("listAudit").WithSummary("Who did what and when, from where; newest first.")
        .Takes(AdminParameters.Text("client", "Only what was done to this client and its secrets."), AdminParameters.After, AdminParameters.Limit)
        .Produces<AuditPageBody>();

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminGrains grains)
    {
        var query = request.Query;
        var asked = new ListAuditQuery(query.Text("client"), query.Text(AdminCursor.Parameter), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var page = await grains.AskAsync(
            () => grains.Catalogue.ListAuditAsync(asked, CancellationToken.None), new AuditPageAnswer(false, [], null));
        if (!page.Found)
        {
            return AdminProblem.NothingDone;
        }

        if (page.AfterIsNone)
        {
            return AdminProblem.Invalid(AdminCursor.Parameter, AdminCursor.NeverGiven);
        }

        var body = new AuditPageBody(
            [.. page.Items.Select(item => new AuditBody(
                item.AuditId,
                item.At.UtcDateTime,
                item.Actor,
                item.Action,
                item.Target,
                item.RemoteAddress.Length > 0 ? item.RemoteAddress : null,
                item.RequestId.Length > 0 ? item.RequestId : null,
                Parse(item.BeforeJson),
                Parse(item.AfterJson)))],
            page.Next);
        return AdminAnswer.Ok(body, AdminJson.Default.AuditPageBody);
    }

    private static JsonElement? Parse(string? json) => json is null ? null : JsonElement.Parse(json);
}
