using System.Runtime.InteropServices;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>PUT</c> and <c>PATCH</c> of <c>/admin/v1/clients/{id}</c>.</summary>
internal sealed class ClientReplacement(AdminGrains grains, ClientChangeAnswers changes, AdminDefaults defaults, TimeProvider clock)
{
    public static void Map(IEndpointRouteBuilder clients)
    {
        clients.MapPut(ClientRoutes.One, (AdminRequest request, ClientReplacement replacement) => replacement.ReplaceAsync(request))
            .WithName("replaceClient").WithSummary("Replaces a client's document; enabled stays as it is unless given.")
            .Takes(AdminParameters.RequiredIfMatch).TakesBody<ClientDocumentBody>()
            .ChangesTo<ClientBody>().AnswersWith(AnswerHeader.ETag).Refuses(404, 409, 412, 428);
        clients.MapPatch(ClientRoutes.One, (AdminRequest request, ClientReplacement replacement) => replacement.PatchAsync(request))
            .WithName("patchClient").WithSummary("Changes members of a client's document (RFC 7396); null removes one.")
            .Takes(AdminParameters.IfMatch).TakesBody<ClientPatchBody>(JsonMergePatch.ContentType)
            .ChangesTo<ClientBody>().AnswersWith(AnswerHeader.ETag).Refuses(404, 409, 412);
    }

    /// <summary>Replaces the document of a client.</summary>
    public async Task<AdminAnswer> ReplaceAsync(AdminRequest request)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        if (problem is not null || !target.Match.IsGiven)
        {
            return problem ?? AdminProblem.IfMatchMissing;
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        if (await ParseAsync(body.Bytes, target.Id) is not { } reading)
        {
            return AdminProblem.NothingDone;
        }

        if (!reading.Succeeded)
        {
            return AdminProblem.Invalid(reading.Errors);
        }

        var change = request.NewChange();
        var command = new ReplaceClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(reading.Document),
            Enabled = reading.Document.Enabled,
            IfMatch = target.Match.ETag,
            Actor = change.Actor,
        };
        return await changes.ChangeAndShowAsync(
            target.Id, change, (grain, actor) => grain.ReplaceAsync(command with { Actor = actor }, CancellationToken.None));
    }

    /// <summary>Parses a document; null when that needs the stored document, which can't be read now.</summary>
    private async Task<ClientDocumentReading?> ParseAsync(ReadOnlyMemory<byte> body, ClientId id)
    {
        var reading = ClientDocumentReader.ReadReplacement(body, id, null, defaults.TokenLifetimeSeconds);
        if (!reading.HasUnknownMembers)
        {
            return reading;
        }

        // A newer build may have stored the member that this build does not know, and GET shows it. So compare with what is stored.
        var present = await grains.ReadClientAsync(id);
        return present.Outcome == ClientOutcome.Unavailable
            ? null
            : ClientDocumentReader.ReadReplacement(body, id, present.Client?.DocumentJson, defaults.TokenLifetimeSeconds);
    }

    private async Task<AdminAnswer> PatchAsync(AdminRequest request)
    {
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        if (problem is not null)
        {
            return problem;
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, JsonMergePatch.ContentType, mayBeEmpty: false, clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var change = request.NewChange();
        var command = new PatchClientCommand
        {
            Patch = ImmutableCollectionsMarshal.AsImmutableArray(body.Bytes.ToArray()),
            IfMatch = target.Match.ETag,
            Actor = change.Actor,
        };
        return await changes.PatchAndShowAsync(target.Id, change, command);
    }
}
