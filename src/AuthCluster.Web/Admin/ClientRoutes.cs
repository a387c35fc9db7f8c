using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/clients</c> and <c>/admin/v1/clients/{id}</c>; creations and new documents have files of their own.</summary>
internal static class ClientRoutes
{
    /// <summary>The clients.</summary>
    public const string All = "/clients";

    /// <summary>One client.</summary>
    public const string One = "/clients/{id}";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var clients = routes.MapGroup("").WithTags(AdminTags.Clients);
        ClientCreation.Map(clients);
        clients.MapGet(All, ListAsync)
            .WithName("listClients").WithSummary("Lists clients in ordinal order of their ids, page by page.")
            .Takes(
                AdminParameters.Text("search", "The beginning of the id, or of the name without regard to case."),
                AdminParameters.Text("owner", "metadata.owner, exactly."),
                AdminParameters.After,
                AdminParameters.Limit)
            .Produces<ClientPageBody>();
        clients.MapGet(One, GetAsync)
            .WithName("getClient").WithSummary("Reads a client; its ETag is in the header.")
            .Takes(AdminParameters.IfMatch, AdminParameters.IfNoneMatch)
            .Produces<ClientBody>().Produces(304).AnswersWith(AnswerHeader.ETag).Refuses(404, 412);
        ClientReplacement.Map(clients);
        clients.MapDelete(One, DeleteAsync)
            .WithName("deleteClient").WithSummary("Deletes a client. It gets no token from the answer on, and its tokens are dead.")
            .Takes(AdminParameters.IfMatch)
            .Changes().Refuses(404, 409, 412);
        clients.MapPost(One + "/disable", (AdminRequest request, AdminGrains grains, ClientChangeAnswers changes) => SetEnabledAsync(request, grains, changes, false))
            .WithName("disableClient").WithSummary("Disables a client. It gets no token from the answer on, and its tokens are dead.")
            .Takes(AdminParameters.IfMatch)
            .ChangesTo<ClientBody>().AnswersWith(AnswerHeader.ETag).Refuses(404, 409, 412);
        clients.MapPost(One + "/enable", (AdminRequest request, AdminGrains grains, ClientChangeAnswers changes) => SetEnabledAsync(request, grains, changes, true))
            .WithName("enableClient").WithSummary("Enables a client.")
            .Takes(AdminParameters.IfMatch)
            .ChangesTo<ClientBody>().AnswersWith(AnswerHeader.ETag).Refuses(404, 412);
        routes.MapPost(One + "/revoke-tokens", RevokeTokensAsync).WithTags(AdminTags.Emergency)
            .WithName("revokeClientTokens").WithSummary("Ends every token of one client that was issued before.")
            .Takes(AdminParameters.IfMatch)
            .Changes().Refuses(404, 412);
    }

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminGrains grains)
    {
        var query = request.Query;
        var list = new ListClientsQuery(query.Text("search"), query.Text("owner"), query.Text(AdminCursor.Parameter), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var page = await grains.AskAsync(() => grains.Catalogue.ListClientsAsync(list, CancellationToken.None), new ClientPageAnswer(false, [], null));
        return page.Found ? ClientAnswers.Page(page) : AdminProblem.NothingDone;
    }

    private static async Task<AdminAnswer> GetAsync(AdminRequest request, AdminGrains grains)
    {
        var (target, client, problem) = await ClientTarget.ReadClientAsync(request, grains);
        if (client is null)
        {
            return problem!;
        }

        if (IfNoneMatch.UnchangedOf(request, client.ETag) is { } unchanged)
        {
            return unchanged;
        }

        var lastUses = await grains.ReadLastUsesAsync(target.Id);
        return lastUses.Found ? ClientAnswers.Of(client, lastUses) : AdminProblem.NothingDone;
    }

    private static async Task<AdminAnswer> SetEnabledAsync(AdminRequest request, AdminGrains grains, ClientChangeAnswers changes, bool enabled)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        return problem ?? await changes.ChangeAndShowAsync(target.Id, request.NewChange(), (grain, actor) =>
            grain.SetEnabledAsync(new SetEnabledCommand(enabled, target.Match.ETag, actor), CancellationToken.None));
    }

    private static async Task<AdminAnswer> DeleteAsync(AdminRequest request, AdminGrains grains, ClientChangeAnswers changes)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        return problem ?? await changes.ChangeAsync(target.Id, "client", request.NewChange(), (grain, actor) =>
            grain.DeleteAsync(new DeleteClientCommand(target.Match.ETag, actor), CancellationToken.None));
    }

    private static async Task<AdminAnswer> RevokeTokensAsync(AdminRequest request, AdminGrains grains, ClientChangeAnswers changes)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        return problem ?? await changes.ChangeAsync(target.Id, "client", request.NewChange(), (grain, actor) =>
            grain.RevokeTokensAsync(new RevokeTokensCommand(target.Match.ETag, actor), CancellationToken.None));
    }
}
