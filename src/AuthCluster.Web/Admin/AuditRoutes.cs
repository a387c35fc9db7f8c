using System.Text.Json;
using AuthCluster.Contracts.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/audit</c>.</summary>
internal static class AuditRoutes
{
    private static readonly AdminRouteDoc List = new("listAudit", AdminTags.Reports, "Who did what and when, from where; newest first.")
    {
        Answers = [(200, typeof(AuditPageBody))],
        Parameters =
        [
            new AdminParameter("client", "string", "Only what was done to this client and its secrets."),
            AdminParameters.After,
            AdminParameters.Limit,
        ],
    };

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/audit", ListAsync).Describe(List);

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminServices services)
    {
        var query = request.Query;
        var asked = new ListAuditQuery(query.Text("client"), query.Text(AdminCursor.Parameter), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var page = await services.Authority.AskAsync(
            () => services.Authority.Catalogue.ListAuditAsync(asked, CancellationToken.None), new AuditPageAnswer(false, [], null));
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
