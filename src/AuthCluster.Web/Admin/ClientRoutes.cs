using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/clients</c> and <c>/admin/v1/clients/{id}</c>; creations and new documents have files of their own.</summary>
internal static class ClientRoutes
{
    /// <summary>The clients.</summary>
    public const string All = "/clients";

    /// <summary>One client.</summary>
    public const string One = "/clients/{id}";

    private static readonly AdminRouteDoc List = new("listClients", AdminTags.Clients, "Lists clients in ordinal order of their ids, page by page.")
    {
        Answers = [(200, typeof(ClientPageBody))],
        Parameters =
        [
            new AdminParameter("search", "string", "The beginning of the id, or of the name without regard to case."),
            new AdminParameter("owner", "string", "metadata.owner, exactly."),
            AdminParameters.After,
            AdminParameters.Limit,
        ],
    };

    private static readonly AdminRouteDoc Get = new("getClient", AdminTags.Clients, "Reads a client; its ETag is in the header.")
    {
        Answers = [(200, typeof(ClientBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [AdminParameters.IfMatch, AdminParameters.IfNoneMatch],
        HasETag = true,
    };

    private static readonly AdminRouteDoc Delete = new("deleteClient", AdminTags.Clients, "Deletes a client. It gets no token from the answer on, and its tokens are dead.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 409, 412],
        Parameters = [AdminParameters.IfMatch],
    };

    private static readonly AdminRouteDoc Disable = new("disableClient", AdminTags.Clients, "Disables a client. It gets no token from the answer on, and its tokens are dead.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412],
        Parameters = [AdminParameters.IfMatch],
        HasETag = true,
    };

    private static readonly AdminRouteDoc Enable = new("enableClient", AdminTags.Clients, "Enables a client.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 412],
        Parameters = [AdminParameters.IfMatch],
        HasETag = true,
    };

    private static readonly AdminRouteDoc RevokeTokens = new("revokeClientTokens", AdminTags.Emergency, "Ends every token of one client that was issued before.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 412],
        Parameters = [AdminParameters.IfMatch],
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        ClientCreation.Map(routes);
        routes.MapGet(All, ListAsync).Describe(List);
        routes.MapGet(One, GetAsync).Describe(Get);
        ClientReplacement.Map(routes);
        routes.MapDelete(One, DeleteAsync).Describe(Delete);
        routes.MapPost(One + "/disable", (AdminRequest request, AdminServices services) => SetEnabledAsync(request, services, false)).Describe(Disable);
        routes.MapPost(One + "/enable", (AdminRequest request, AdminServices services) => SetEnabledAsync(request, services, true)).Describe(Enable);
        routes.MapPost(One + "/revoke-tokens", RevokeTokensAsync).Describe(RevokeTokens);
    }

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminServices services)
    {
        var query = request.Query;
        var list = new ListClientsQuery(query.Text("search"), query.Text("owner"), query.Text("after"), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var page = await services.Authority.AskAsync(
            () => services.Authority.Catalogue.ListClientsAsync(list, CancellationToken.None), new ClientPageAnswer(false, [], null));
        return page.Found ? ClientAnswers.Page(page) : AdminProblem.NothingDone;
    }

    private static async Task<AdminAnswer> GetAsync(AdminRequest request, AdminServices services)
    {
        var (client, problem) = await ClientTarget.ReadClientAsync(request, services);
        if (client is null)
        {
            return problem!;
        }

        if (IfNoneMatch.UnchangedOf(request, client.ETag) is { } unchanged)
        {
            return unchanged;
        }

        var lastUses = await ClientChanges.LastUsesAsync(services, client.ClientId);
        return lastUses.Found ? ClientAnswers.Of(client, lastUses) : AdminProblem.NothingDone;
    }

    private static async Task<AdminAnswer> SetEnabledAsync(AdminRequest request, AdminServices services, bool enabled)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        var command = new SetEnabledCommand(enabled, target.Match.ETag, request.NewActor());
        return problem ?? await ClientChanges.ChangeAsync(services, target.Id, grain => grain.SetEnabledAsync(command, CancellationToken.None));
    }

    private static async Task<AdminAnswer> DeleteAsync(AdminRequest request, AdminServices services)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        var command = new DeleteClientCommand(target.Match.ETag, request.NewActor());
        return problem ?? await ClientChanges.ActAsync(services, target.Id, "client", grain => grain.DeleteAsync(command, CancellationToken.None));
    }

    private static async Task<AdminAnswer> RevokeTokensAsync(AdminRequest request, AdminServices services)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        var command = new RevokeTokensCommand(target.Match.ETag, request.NewActor());
        return problem ?? await ClientChanges.ActAsync(services, target.Id, "client", grain => grain.RevokeTokensAsync(command, CancellationToken.None));
    }
}
