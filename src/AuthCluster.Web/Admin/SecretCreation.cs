using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Json;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>POST /admin/v1/clients/{id}/secrets</c>: parse the request, choose secret and time, add the secret, answer it.</summary>
internal sealed class SecretCreation(AdminGrains grains, IdempotentChoices choices, TimeProvider clock)
{
    /// <summary>The problem of an <c>expiresAt</c> in the past: the secret could never be used.</summary>
    public const string HasEnded = "Must be in the future.";

    public static void Map(IEndpointRouteBuilder secrets) =>
        secrets.MapPost(SecretRoutes.All, (AdminRequest request, SecretCreation creation) => creation.AddAsync(request))
            .WithName("addSecret").WithSummary("Adds a secret, shown this once; with retireOthersAfter it also ends the others, in one write.")
            .Takes(AdminParameters.IdempotencyKey, AdminParameters.IfMatch).TakesBody<NewSecretBody>(isOptional: true)
            .ChangesTo<AddedSecretBody>(201).AnswersWith(AnswerHeader.ETag, AnswerHeader.Location).Refuses(404, 409, 412, 422);

    private async Task<AdminAnswer> AddAsync(AdminRequest request)
    {
        var (asked, problem) = await ParseAsync(request);
        if (asked is null)
        {
            return problem!;
        }

        var (chosen, refusal) = await ChooseAsync(asked);
        if (chosen is null)
        {
            return refusal!;
        }

        var answer = await grains.ChangeClientAsync(asked.Target.Id, request.NewChange(), (grain, actor) => grain.AddSecretAsync(
            new AddSecretCommand(chosen.Stored, asked.Request.RetireOthersAfter, asked.Target.Match.ETag, actor, asked.Key?.Id, chosen.CreatedAt),
            CancellationToken.None));
        return answer.Outcome == ClientOutcome.Done
            ? StoredChange.Answer(AnswerOf(asked.Target.Id, chosen, answer.ETag), answer.UnconfirmedFor)
            : await choices.RefuseAsync(asked.Key, AdminProblem.Of(answer.Outcome));
    }

    private async Task<(Asked? Asked, AdminAnswer? Problem)> ParseAsync(AdminRequest request)
    {
        if (ClientTarget.IdOf(request) is not { } id)
        {
            return (null, AdminProblem.NotFound("client"));
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: true, clock);
        if (body.Problem is not null)
        {
            return (null, body.Problem);
        }

        var (key, keyProblem) = choices.Read(request, $"/clients/{id.Value}/secrets", body.Bytes.Span);
        if (keyProblem is not null)
        {
            return (null, keyProblem);
        }

        var (match, matchProblem) = await IfMatch.ReadAsync(request, grains, id);
        if (matchProblem is not null)
        {
            return (null, matchProblem);
        }

        return SecretRequestReader.Read(body.Bytes, out var errors) is { } read
            ? (new Asked(new ClientTarget(id, match), read, key), null)
            : (null, AdminProblem.Invalid(errors));
    }

    /// <summary>Makes the choices of the server; under an <c>Idempotency-Key</c> that was used before, those of the first request.</summary>
    private async Task<(Chosen? Chosen, AdminAnswer? Problem)> ChooseAsync(Asked asked)
    {
        var chosen = new Chosen(NewSecrets.Generate(out var secret), secret, Rfc3339.ToMillisecond(clock.GetUtcNow()));
        if (asked.Key is { } key)
        {
            var kept = await choices.ChooseAsync(key, asked.Target.Id.Value, chosen.Stored.SecretId, secret, chosen.CreatedAt);
            if (kept.Choice is not { } choice)
            {
                return (null, kept.Problem);
            }

            chosen = new Chosen(NewSecrets.Given(kept.Secret!) with { SecretId = choice.SecretId }, kept.Secret!, choice.CreatedAt);
        }

        // For a repeat the time is that of the first request, so that both get the same answer, also after the secret's end.
        if (asked.Request.ExpiresAt <= chosen.CreatedAt)
        {
            return (null, await choices.RefuseAsync(asked.Key, AdminProblem.Invalid("expiresAt", HasEnded)));
        }

        var stored = chosen.Stored with { Label = asked.Request.Label, NotBefore = asked.Request.NotBefore, ExpiresAt = asked.Request.ExpiresAt };
        return (chosen with { Stored = stored }, null);
    }

    private static AdminAnswer AnswerOf(ClientId id, Chosen chosen, string? etag)
    {
        var (stored, secret, createdAt) = chosen;
        var body = new AddedSecretBody(
            stored.SecretId, secret, stored.Label, createdAt.UtcDateTime, stored.NotBefore?.UtcDateTime, stored.ExpiresAt?.UtcDateTime);
        return AdminAnswer.Ok(body, AdminJson.Default.AddedSecretBody) with
        {
            Status = StatusCodes.Status201Created,
            ETag = etag,
            Location = $"{ClientTarget.LocationOf(id)}/secrets/{stored.SecretId}",
        };
    }

    /// <summary>What a caller asks for.</summary>
    private sealed record Asked(ClientTarget Target, SecretRequest Request, IdempotencyKey? Key);

    /// <summary>The secret to add.</summary>
    private sealed record Chosen(NewSecret Stored, string Secret, DateTimeOffset CreatedAt)
    {
        public override string ToString() => nameof(Chosen);
    }
}
