using System.Runtime.InteropServices;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>PUT</c> and <c>PATCH</c> of <c>/admin/v1/clients/{id}</c>.</summary>
internal static class ClientReplacement
{
    private static readonly AdminRouteDoc Replace = new("replaceClient", AdminTags.Clients, "Replaces a client's document; enabled stays as it is unless given.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412, 428],
        Parameters = [AdminParameters.IfMatch with { Required = true }],
        Body = typeof(ClientDocumentBody),
        HasETag = true,
    };

    private static readonly AdminRouteDoc Patch = new("patchClient", AdminTags.Clients, "Changes members of a client's document (RFC 7396); null removes one.")
    {
        Answers = [(200, typeof(ClientBody))],
        MoreProblems = [404, 409, 412],
        Parameters = [AdminParameters.IfMatch],
        Body = typeof(ClientPatchBody),
        BodyType = JsonMergePatch.ContentType,
        HasETag = true,
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut(ClientRoutes.One, ReplaceAsync).Describe(Replace);
        routes.MapPatch(ClientRoutes.One, PatchAsync).Describe(Patch);
    }

    private static async Task<AdminAnswer> ReplaceAsync(AdminRequest request, AdminServices services)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        if (problem is not null || !target.Match.IsGiven)
        {
            return problem ?? AdminProblem.IfMatchMissing;
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, services.Clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var reading = await ReadAsync(body.Bytes, target.Id, services);
        if (!reading.Succeeded)
        {
            return AdminProblem.Invalid(reading.Errors);
        }

        var command = new ReplaceClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(reading.Document),
            Enabled = reading.Document.Enabled,
            IfMatch = target.Match.ETag,
            Actor = request.NewActor(),
        };
        return await ClientChanges.ChangeAsync(services, target.Id, grain => grain.ReplaceAsync(command, CancellationToken.None));
    }

    private static async Task<ClientDocumentReading> ReadAsync(ReadOnlyMemory<byte> body, ClientId id, AdminServices services)
    {
        var reading = ClientDocumentReader.ReadReplacement(body, id, null, services.Defaults.TokenLifetimeSeconds);
        if (!reading.HasUnknownMembers)
        {
            return reading;
        }

        // A newer build may have stored the member that this build does not know, and GET shows it. So compare with what is stored.
        var present = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
        return ClientDocumentReader.ReadReplacement(body, id, present.Client?.DocumentJson, services.Defaults.TokenLifetimeSeconds);
    }

    private static async Task<AdminAnswer> PatchAsync(AdminRequest request, AdminServices services)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        if (problem is not null)
        {
            return problem;
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, JsonMergePatch.ContentType, mayBeEmpty: false, services.Clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var command = new PatchClientCommand
        {
            Patch = ImmutableCollectionsMarshal.AsImmutableArray(body.Bytes.ToArray()),
            IfMatch = target.Match.ETag,
            Actor = request.NewActor(),
        };
        return await ClientChanges.PatchAsync(services, target.Id, command);
    }
}
