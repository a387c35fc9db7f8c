using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Admin;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/clients</c> and <c>/admin/v1/clients/{id}</c>.</summary>
internal static class ClientRoutes
{
    private const string All = "/clients";
    private const string One = "/clients/{id}";

    public static void Map(AdminRouteGroup routes)
    {
        routes.Map(HttpMethods.Post, All, CreateAsync, AdminRouteDocs.CreateClient);
        routes.Map(HttpMethods.Get, All, ListAsync, AdminRouteDocs.ListClients);
        routes.Map(HttpMethods.Get, One, GetAsync, AdminRouteDocs.GetClient);
        routes.Map(HttpMethods.Put, One, ReplaceAsync, AdminRouteDocs.ReplaceClient);
        routes.Map(HttpMethods.Patch, One, PatchAsync, AdminRouteDocs.PatchClient);
        routes.Map(HttpMethods.Delete, One, DeleteAsync, AdminRouteDocs.DeleteClient);
        routes.Map(HttpMethods.Post, One + "/disable", (request, services) => SetEnabledAsync(request, services, false), AdminRouteDocs.DisableClient);
        routes.Map(HttpMethods.Post, One + "/enable", (request, services) => SetEnabledAsync(request, services, true), AdminRouteDocs.EnableClient);
        routes.Map(HttpMethods.Post, One + "/revoke-tokens", RevokeTokensAsync, AdminRouteDocs.RevokeClientTokens);
    }

    /// <summary>Where a client is found.</summary>
    public static string LocationOf(ClientId id) => $"{AdminRouteGroup.Prefix}{All}/{Uri.EscapeDataString(id.Value)}";

    /// <summary>Reads a client id of the route; one outside the grammar is nobody's.</summary>
    public static ClientId? IdOf(AdminRequest request) => ClientId.TryParse(request.Route("id"), out var id) ? id : null;

    private static async Task<AdminAnswer> CreateAsync(AdminRequest request, AdminServices services)
    {
        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, services.Clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var (key, keyProblem) = services.Choices.Read(request, All, body.Bytes.Span);
        if (keyProblem is not null)
        {
            return keyProblem;
        }

        var reading = ClientDocumentReader.ReadNew(body.Bytes, NewClientId(), services.Defaults.TokenLifetimeSeconds);
        if (!reading.Succeeded)
        {
            return AdminProblem.Invalid(reading.Errors);
        }

        var document = reading.Document;
        if (await MatchNothingAsync(request, services, document.ClientId) is { } unmatched)
        {
            return unmatched;
        }

        var generated = reading.Secrets.IsEmpty;
        string? secret = null;
        var first = generated ? NewSecrets.Generate(out secret) : null;
        var stored = first is null ? await services.Secrets.StoreAsync(reading.Secrets, request.Http.RequestAborted) : [first];
        if (stored is not { } secrets)
        {
            return AdminProblem.TooManyGivenSecrets;
        }

        var now = services.Now();
        if (key is not null)
        {
            var chosen = await services.Choices.ChooseAsync(key, document.ClientId.Value, secrets[0].SecretId, secret, now);
            if (chosen.Choice is not { } choice)
            {
                return chosen.Problem!;
            }

            secret = chosen.Secret;
            now = choice.CreatedAt;
            document = document with
            {
                ClientId = Parse(choice.ClientId),
                Name = document.Name == document.ClientId.Value ? choice.ClientId : document.Name,
            };
            secrets = secrets.SetItem(0, (secret is null ? secrets[0] : NewSecrets.Given(secret)) with { SecretId = choice.SecretId });
        }

        if (EndedSecrets(reading.Secrets, now) is { Count: > 0 } ended)
        {
            return await RefuseAsync(services, key, AdminProblem.Invalid(ended));
        }

        var command = new CreateClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(document),
            Enabled = document.Enabled ?? true,
            Secrets = secrets,
            Actor = request.NewActor(),
            IdempotencyId = key?.Id,
            CreatedAt = now,
        };
        var id = document.ClientId.Value;
        var answer = await services.Authority.AskClientAsync(id, grain => grain.CreateAsync(command, CancellationToken.None));
        if (answer.Outcome != ClientOutcome.Done)
        {
            return await RefuseAsync(services, key, AdminProblem.Of(answer.Outcome));
        }

        return ClientAnswers.Created(
            command.DocumentJson, command.Enabled, now, answer.ETag, LocationOf(document.ClientId), secrets[0].SecretId, secret);
    }

    /// <summary>
    /// The secrets that have ended at the time of the creation, as problems by field. Of a repeat that is the time of the first
    /// request, so that it is answered alike.
    /// </summary>
    private static SortedDictionary<string, string> EndedSecrets(ImmutableArray<ClientSecretEntry> secrets, DateTimeOffset createdAt)
    {
        var problems = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < secrets.Length; i++)
        {
            if (secrets[i].ExpiresAt <= createdAt)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"secrets[{i}].expiresAt"), SecretRoutes.HasEnded);
            }
        }

        return problems;
    }

    /// <summary>A client that is to be made has no ETag: with If-Match none is. What is there already stays a conflict.</summary>
    private static async Task<AdminAnswer?> MatchNothingAsync(AdminRequest request, AdminServices services, ClientId id)
    {
        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        if (problem is not null || !match.IsGiven)
        {
            return problem;
        }

        var present = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
        return present.Outcome switch
        {
            ClientOutcome.Done => AdminProblem.Taken,
            ClientOutcome.NotFound => AdminProblem.NothingToMatch,
            _ => AdminProblem.OfRead(present.Outcome),
        };
    }

    /// <summary>A refusal does not spend the key; an unknown outcome keeps it, so that a repeat finds its choices.</summary>
    public static async Task<AdminAnswer> RefuseAsync(AdminServices services, IdempotencyKey? key, AdminAnswer problem)
    {
        if (problem.Status < 500)
        {
            await services.Choices.ForgetAsync(key);
        }

        return problem;
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
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        if (problem is not null)
        {
            return problem;
        }

        var answer = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
        if (answer is not { Outcome: ClientOutcome.Done, Client: { } client })
        {
            return AdminProblem.OfRead(answer.Outcome);
        }

        if (!match.Admits(client.ETag))
        {
            return AdminProblem.Stale;
        }

        if (IfNoneMatch.UnchangedOf(request, client.ETag) is { } unchanged)
        {
            return unchanged;
        }

        var lastUses = await LastUsesAsync(services, id);
        return lastUses.Found ? ClientAnswers.Of(client, lastUses) : AdminProblem.NothingDone;
    }

    private static async Task<AdminAnswer> ReplaceAsync(AdminRequest request, AdminServices services)
    {
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        if (problem is not null || !match.IsGiven)
        {
            return problem ?? AdminProblem.IfMatchMissing;
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, services.Clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var reading = ClientDocumentReader.ReadReplacement(body.Bytes, id, null, services.Defaults.TokenLifetimeSeconds);
        if (!reading.Succeeded)
        {
            // What it does not know may be what a newer build stored, and GET gave.
            var present = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
            reading = ClientDocumentReader.ReadReplacement(body.Bytes, id, present.Client?.DocumentJson, services.Defaults.TokenLifetimeSeconds);
        }

        return reading.Succeeded
            ? await ReplaceAsync(services, id, reading.Document, match.ETag, request.NewActor())
            : AdminProblem.Invalid(reading.Errors);
    }

    private static async Task<AdminAnswer> PatchAsync(AdminRequest request, AdminServices services)
    {
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
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
            IfMatch = match.ETag,
            Actor = request.NewActor(),
        };
        var lastUses = await LastUsesAsync(services, id);
        if (!lastUses.Found)
        {
            return AdminProblem.NothingDone;
        }

        var patched = await services.Patching.PatchAsync(id, command);
        return patched.Problems.IsEmpty
            ? AnswerOf(patched.Answer, lastUses)
            : AdminProblem.Invalid(patched.Problems.ToDictionary(problem => problem.Field, problem => problem.Problem, StringComparer.Ordinal));
    }

    private static Task<AdminAnswer> ReplaceAsync(AdminServices services, ClientId id, ClientDocument document, string? ifMatch, ActorRecord actor)
    {
        var command = new ReplaceClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(document),
            Enabled = document.Enabled,
            IfMatch = ifMatch,
            Actor = actor,
        };
        return ChangeAsync(services, id, grain => grain.ReplaceAsync(command, CancellationToken.None));
    }

    private static async Task<AdminAnswer> SetEnabledAsync(AdminRequest request, AdminServices services, bool enabled)
    {
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        var command = new SetEnabledCommand(enabled, match.ETag, request.NewActor());
        return problem ?? await ChangeAsync(services, id, grain => grain.SetEnabledAsync(command, CancellationToken.None));
    }

    private static async Task<AdminAnswer> DeleteAsync(AdminRequest request, AdminServices services)
    {
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        var command = new DeleteClientCommand(match.ETag, request.NewActor());
        return problem ?? await ActAsync(services, id, "client", grain => grain.DeleteAsync(command, CancellationToken.None));
    }

    private static async Task<AdminAnswer> RevokeTokensAsync(AdminRequest request, AdminServices services)
    {
        if (IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        var command = new RevokeTokensCommand(match.ETag, request.NewActor());
        return problem ?? await ActAsync(services, id, "client", grain => grain.RevokeTokensAsync(command, CancellationToken.None));
    }

    /// <summary>Makes a change that answers 204.</summary>
    public static async Task<AdminAnswer> ActAsync(AdminServices services, ClientId id, string what, Func<IClientGrain, Task<ClientAnswer>> change)
    {
        var answer = await services.Authority.AskClientAsync(id.Value, change);
        return answer.Outcome == ClientOutcome.Done
            ? new AdminAnswer(StatusCodes.Status204NoContent) { ETag = answer.Client?.ETag }
            : AdminProblem.Of(answer.Outcome, what);
    }

    private static async Task<AdminAnswer> ChangeAsync(AdminServices services, ClientId id, Func<IClientGrain, Task<ClientAnswer>> change)
    {
        // Read before the change: afterwards only an answer may come, and it must not depend on one more read.
        var lastUses = await LastUsesAsync(services, id);
        return lastUses.Found
            ? AnswerOf(await services.Authority.AskClientAsync(id.Value, change), lastUses)
            : AdminProblem.NothingDone;
    }

    private static AdminAnswer AnswerOf(ClientAnswer answer, LastUsesAnswer lastUses) =>
        answer is { Outcome: ClientOutcome.Done, Client: { } client }
            ? ClientAnswers.Of(client, lastUses)
            : AdminProblem.Of(answer.Outcome == ClientOutcome.Done ? ClientOutcome.NotFound : answer.Outcome);

    public static Task<LastUsesAnswer> LastUsesAsync(AdminServices services, ClientId id) => services.Authority.AskAsync(
        () => services.Authority.Catalogue.LastUsesAsync(id.Value, CancellationToken.None), new LastUsesAnswer(false, []));

    private static ClientId NewClientId() => Parse(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    private static ClientId Parse(string id) =>
        ClientId.TryParse(id, out var parsed) ? parsed : throw new FormatException("A client id that the server chose is outside the grammar.");
}
