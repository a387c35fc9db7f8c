using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Json;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/clients</c>: parse the document, choose id, secrets and time, create the client, answer it.</summary>
internal sealed class ClientCreation(AdminGrains grains, IdempotentChoices choices, SecretHashing hashing, AdminDefaults defaults, TimeProvider clock)
{
    public static void Map(IEndpointRouteBuilder clients) =>
        clients.MapPost(ClientRoutes.All, (AdminRequest request, ClientCreation creation) => creation.CreateAsync(request))
            .WithName("createClient").WithSummary("Creates a client; its generated secret is shown this once.")
            .Takes(AdminParameters.IdempotencyKey).TakesBody<NewClientBody>()
            .ChangesTo<CreatedClientBody>(201).AnswersWith(AnswerHeader.ETag, AnswerHeader.Location).Refuses(409, 412, 422);

    private async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var (asked, problem) = await ParseAsync(request);
        if (asked is null)
        {
            return problem!;
        }

        var (chosen, refusal) = await ChooseAsync(asked, request);
        if (chosen is null)
        {
            return refusal!;
        }

        var id = chosen.Document.ClientId;
        var change = request.NewChange();
        var command = CommandOf(chosen, asked.Key, change.Actor);
        var answer = await grains.ChangeClientAsync(id, change, (grain, actor) => grain.CreateAsync(command with { Actor = actor }, CancellationToken.None));
        return answer.Outcome == ClientOutcome.Done
            ? StoredChange.Answer(ClientAnswers.Created(command, answer.ETag, ClientTarget.LocationOf(id), chosen.Secret), answer.UnconfirmedFor)
            : await choices.RefuseAsync(asked.Key, AdminProblem.Of(answer.Outcome));
    }

    private async Task<(Asked? Asked, AdminAnswer? Problem)> ParseAsync(AdminRequest request)
    {
        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: false, clock);
        if (body.Problem is not null)
        {
            return (null, body.Problem);
        }

        var (key, keyProblem) = choices.Read(request, ClientRoutes.All, body.Bytes.Span);
        if (keyProblem is not null)
        {
            return (null, keyProblem);
        }

        var reading = ClientDocumentReader.ReadNew(body.Bytes, NewClientId(), defaults.TokenLifetimeSeconds);
        if (!reading.Succeeded)
        {
            return (null, AdminProblem.Invalid(reading.Errors));
        }

        return await MatchNothingAsync(request, reading.Document.ClientId) is { } unmatched
            ? (null, unmatched)
            : (new Asked(reading.Document, reading.Secrets, key), null);
    }

    /// <summary>
    /// Checks <c>If-Match</c>. A client that does not exist has no ETag, so none matches. A client that exists is a conflict, as without
    /// <c>If-Match</c>.
    /// </summary>
    private async Task<AdminAnswer?> MatchNothingAsync(AdminRequest request, ClientId id)
    {
        var (match, problem) = await IfMatch.ReadAsync(request, grains, id);
        if (problem is not null || !match.IsGiven)
        {
            return problem;
        }

        var present = await grains.ReadClientAsync(id);
        return present.Outcome switch
        {
            ClientOutcome.Done => AdminProblem.Taken,
            ClientOutcome.NotFound => AdminProblem.NothingToMatch,
            _ => AdminProblem.OfRead(present.Outcome),
        };
    }

    /// <summary>Makes the choices of the server; under an <c>Idempotency-Key</c> that was used before, those of the first request.</summary>
    private async Task<(Chosen? Chosen, AdminAnswer? Problem)> ChooseAsync(Asked asked, AdminRequest request)
    {
        string? secret = null;
        var generated = asked.Secrets.IsEmpty ? NewSecrets.Generate(out secret) : null;
        var stored = generated is null
            ? await request.Deadline.SuspendAsync(() => hashing.StoreAsync(asked.Secrets, request.Http.RequestAborted))
            : [generated];
        if (stored is not { } secrets)
        {
            return (null, AdminProblem.TooManyGivenSecrets);
        }

        var chosen = new Chosen(asked.Document, secrets, secret, Rfc3339.ToMillisecond(clock.GetUtcNow()));
        if (asked.Key is { } key)
        {
            var kept = await choices.ChooseAsync(key, chosen.Document.ClientId.Value, secrets[0].SecretId, secret, chosen.CreatedAt);
            if (kept.Choice is not { } choice)
            {
                return (null, kept.Problem);
            }

            var isNamedAfterId = chosen.Document.Name == chosen.Document.ClientId.Value;
            var first = kept.Secret is null ? secrets[0] : NewSecrets.Given(kept.Secret);
            chosen = new Chosen(
                chosen.Document with { ClientId = IdOf(choice.ClientId), Name = isNamedAfterId ? choice.ClientId : chosen.Document.Name },
                secrets.SetItem(0, first with { SecretId = choice.SecretId }),
                kept.Secret,
                choice.CreatedAt);
        }

        return EndedSecrets(asked.Secrets, chosen.CreatedAt) is { Count: > 0 } ended
            ? (null, await choices.RefuseAsync(asked.Key, AdminProblem.Invalid(ended)))
            : (chosen, null);
    }

    /// <summary>
    /// The secrets that have ended at the time of the creation, as problems by field. For a repeat that is the time of the first
    /// request, so that both get the same answer.
    /// </summary>
    private static SortedDictionary<string, string> EndedSecrets(ImmutableArray<ClientSecretEntry> secrets, DateTimeOffset createdAt)
    {
        var problems = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < secrets.Length; i++)
        {
            if (secrets[i].ExpiresAt <= createdAt)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"secrets[{i}].expiresAt"), SecretCreation.HasEnded);
            }
        }

        return problems;
    }

    private static CreateClientCommand CommandOf(Chosen chosen, IdempotencyKey? key, ActorRecord actor) => new()
    {
        DocumentJson = ClientDocumentWriter.ToStoredJson(chosen.Document),
        Enabled = chosen.Document.Enabled ?? true,
        Secrets = chosen.Secrets,
        Actor = actor,
        IdempotencyId = key?.Id,
        CreatedAt = chosen.CreatedAt,
    };

    private static ClientId NewClientId() => IdOf(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    private static ClientId IdOf(string id) =>
        ClientId.TryParse(id, out var parsed) ? parsed : throw new FormatException("A client id that the server chose is outside the grammar.");

    /// <summary>What a caller asks for.</summary>
    private sealed record Asked(ClientDocument Document, ImmutableArray<ClientSecretEntry> Secrets, IdempotencyKey? Key)
    {
        public override string ToString() => nameof(Asked);
    }

    /// <summary>The client to create: as asked, with what the server chose.</summary>
    private sealed record Chosen(ClientDocument Document, ImmutableArray<NewSecret> Secrets, string? Secret, DateTimeOffset CreatedAt)
    {
        public override string ToString() => nameof(Chosen);
    }
}
