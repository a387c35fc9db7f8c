using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/clients</c>: what is asked is read, ids, secrets and times are chosen, the client is made and answered.</summary>
internal static class ClientCreation
{
    private static readonly AdminRouteDoc Create = new("createClient", AdminTags.Clients, "Creates a client; its generated secret is shown this once.")
    {
        Answers = [(201, typeof(CreatedClientBody))],
        MoreProblems = [409, 412, 422],
        Parameters = [AdminParameters.IdempotencyKey],
        Body = typeof(NewClientBody),
        HasETag = true,
        HasLocation = true,
    };

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost(ClientRoutes.All, CreateAsync).Describe(Create);

    private static async Task<AdminAnswer> CreateAsync(AdminRequest request, AdminServices services)
    {
        var (asked, problem) = await ReadAsync(request, services);
        if (asked is null)
        {
            return problem!;
        }

        var (chosen, refusal) = await ChooseAsync(asked, request, services);
        if (chosen is null)
        {
            return refusal!;
        }

        var command = new CreateClientCommand
        {
            DocumentJson = ClientDocumentWriter.ToStoredJson(chosen.Document),
            Enabled = chosen.Document.Enabled ?? true,
            Secrets = chosen.Secrets,
            Actor = request.NewActor(),
            IdempotencyId = asked.Key?.Id,
            CreatedAt = chosen.CreatedAt,
        };
        var id = chosen.Document.ClientId;
        var answer = await services.Authority.AskClientAsync(id.Value, grain => grain.CreateAsync(command, CancellationToken.None));
        return answer.Outcome == ClientOutcome.Done
            ? ClientAnswers.Created(
                command.DocumentJson, command.Enabled, chosen.CreatedAt, answer.ETag, ClientTarget.LocationOf(id), chosen.Secrets[0].SecretId, chosen.Secret)
            : await services.Choices.RefuseAsync(asked.Key, AdminProblem.Of(answer.Outcome));
    }

    private static async Task<(Asked? Asked, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminServices services)
    {
        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, services.Clock);
        if (body.Problem is not null)
        {
            return (null, body.Problem);
        }

        var (key, keyProblem) = services.Choices.Read(request, ClientRoutes.All, body.Bytes.Span);
        if (keyProblem is not null)
        {
            return (null, keyProblem);
        }

        var reading = ClientDocumentReader.ReadNew(body.Bytes, NewClientId(), services.Defaults.TokenLifetimeSeconds);
        if (!reading.Succeeded)
        {
            return (null, AdminProblem.Invalid(reading.Errors));
        }

        return await MatchNothingAsync(request, services, reading.Document.ClientId) is { } unmatched
            ? (null, unmatched)
            : (new Asked(reading.Document, reading.Secrets, key), null);
    }

    /// <summary>Chooses what the server makes; under an <c>Idempotency-Key</c> that was used before, what was chosen then.</summary>
    private static async Task<(Chosen? Chosen, AdminAnswer? Problem)> ChooseAsync(Asked asked, AdminRequest request, AdminServices services)
    {
        string? secret = null;
        var generated = asked.Secrets.IsEmpty ? NewSecrets.Generate(out secret) : null;
        var stored = generated is null ? await services.Secrets.StoreAsync(asked.Secrets, request.Http.RequestAborted) : [generated];
        if (stored is not { } secrets)
        {
            return (null, AdminProblem.TooManyGivenSecrets);
        }

        var chosen = new Chosen(asked.Document, secrets, secret, services.Now());
        if (asked.Key is { } key)
        {
            var kept = await services.Choices.ChooseAsync(key, chosen.Document.ClientId.Value, secrets[0].SecretId, secret, chosen.CreatedAt);
            if (kept.Choice is not { } choice)
            {
                return (null, kept.Problem);
            }

            var isNamedAfterId = chosen.Document.Name == chosen.Document.ClientId.Value;
            var first = kept.Secret is null ? secrets[0] : NewSecrets.Given(kept.Secret);
            chosen = new Chosen(
                chosen.Document with { ClientId = Parse(choice.ClientId), Name = isNamedAfterId ? choice.ClientId : chosen.Document.Name },
                secrets.SetItem(0, first with { SecretId = choice.SecretId }),
                kept.Secret,
                choice.CreatedAt);
        }

        return EndedSecrets(asked.Secrets, chosen.CreatedAt) is { Count: > 0 } ended
            ? (null, await services.Choices.RefuseAsync(asked.Key, AdminProblem.Invalid(ended)))
            : (chosen, null);
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

    private static ClientId NewClientId() => Parse(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    private static ClientId Parse(string id) =>
        ClientId.TryParse(id, out var parsed) ? parsed : throw new FormatException("A client id that the server chose is outside the grammar.");

    /// <summary>What a caller asks for.</summary>
    private sealed record Asked(ClientDocument Document, ImmutableArray<ClientSecretEntry> Secrets, IdempotencyKey? Key)
    {
        public override string ToString() => nameof(Asked);
    }

    /// <summary>What is made: as asked, with what the server chose.</summary>
    private sealed record Chosen(ClientDocument Document, ImmutableArray<NewSecret> Secrets, string? Secret, DateTimeOffset CreatedAt)
    {
        public override string ToString() => nameof(Chosen);
    }
}
