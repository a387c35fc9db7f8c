using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/clients/{id}/secrets</c>.</summary>
internal static class SecretRoutes
{
    private const string All = "/clients/{id}/secrets";
    private const string One = All + "/{secretId}";
    private const string Kind = "secret";
    private const int MaxSecretId = 128;

    /// <summary>What is wrong with the end of a secret that could never be used.</summary>
    public const string HasEnded = "Must be in the future.";

    private static readonly AdminRouteDoc Add = new("addSecret", AdminTags.Secrets, "Adds a secret, shown this once; with retireOthersAfter it also ends the others, in one write.")
    {
        Answers = [(201, typeof(AddedSecretBody))],
        MoreProblems = [404, 409, 412, 422],
        Parameters = [AdminParameters.IdempotencyKey, AdminParameters.IfMatch],
        Body = typeof(NewSecretBody),
        BodyOptional = true,
        HasETag = true,
        HasLocation = true,
    };

    private static readonly AdminRouteDoc List = new("listSecrets", AdminTags.Secrets, "Lists a client's secrets, without the secrets themselves.")
    {
        Answers = [(200, typeof(SecretsBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [AdminParameters.IfMatch, AdminParameters.IfNoneMatch],
        HasETag = true,
    };

    private static readonly AdminRouteDoc Get = new("getSecret", AdminTags.Secrets, "Reads a secret's metadata.")
    {
        Answers = [(200, typeof(SecretBody)), (304, null)],
        MoreProblems = [404, 412],
        Parameters = [AdminParameters.IfMatch, AdminParameters.IfNoneMatch],
        HasETag = true,
    };

    private static readonly AdminRouteDoc Revoke = new("revokeSecret", AdminTags.Secrets, "Revokes a secret.")
    {
        Answers = [(204, null)],
        MoreProblems = [404, 409, 412],
        Parameters = [new AdminParameter("force", "boolean", "Also when it is the client's last valid secret."), AdminParameters.IfMatch],
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(All, AddAsync).Describe(Add);
        routes.MapGet(All, ListAsync).Describe(List);
        routes.MapGet(One, GetAsync).Describe(Get);
        routes.MapDelete(One, RevokeAsync).Describe(Revoke);
    }

    private static async Task<AdminAnswer> AddAsync(AdminRequest request, AdminServices services)
    {
        if (ClientTarget.IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var body = await AdminBody.ReadAsync(request.Http.Request, AdminBody.Json, mayBeEmpty: true, services.Clock);
        if (body.Problem is not null)
        {
            return body.Problem;
        }

        var (key, keyProblem) = services.Choices.Read(request, $"/clients/{id.Value}/secrets", body.Bytes.Span);
        var (match, matchProblem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        if ((keyProblem ?? matchProblem) is { } problem)
        {
            return problem;
        }

        if (SecretRequestReader.Read(body.Bytes, out var errors) is not { } asked)
        {
            return AdminProblem.Invalid(errors);
        }

        var stored = NewSecrets.Generate(out var secret);
        var now = services.Now();
        if (key is not null)
        {
            var chosen = await services.Choices.ChooseAsync(key, id.Value, stored.SecretId, secret, now);
            if (chosen.Choice is not { } choice)
            {
                return chosen.Problem!;
            }

            secret = chosen.Secret!;
            now = choice.CreatedAt;
            stored = NewSecrets.Given(secret) with { SecretId = choice.SecretId };
        }

        // Of a repeat, the time is that of the first request: it is answered as that was, also after the secret's end.
        if (asked.ExpiresAt <= now)
        {
            return await services.Choices.RefuseAsync(key, AdminProblem.Invalid("expiresAt", HasEnded));
        }

        stored = stored with { Label = asked.Label, NotBefore = asked.NotBefore, ExpiresAt = asked.ExpiresAt };
        var command = new AddSecretCommand(stored, asked.RetireOthersAfter, match.ETag, request.NewActor(), key?.Id, now);
        var answer = await services.Authority.AskClientAsync(id.Value, grain => grain.AddSecretAsync(command, CancellationToken.None));
        if (answer.Outcome != ClientOutcome.Done)
        {
            return await services.Choices.RefuseAsync(key, AdminProblem.Of(answer.Outcome));
        }

        var added = new AddedSecretBody(
            stored.SecretId, secret, stored.Label, now.UtcDateTime, stored.NotBefore?.UtcDateTime, stored.ExpiresAt?.UtcDateTime);
        return new AdminAnswer(StatusCodes.Status201Created)
        {
            Body = JsonSerializer.SerializeToUtf8Bytes(added, AdminJson.Default.AddedSecretBody),
            ETag = answer.ETag,
            Location = $"{ClientTarget.LocationOf(id)}/secrets/{stored.SecretId}",
        };
    }

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminServices services)
    {
        var (secrets, etag, problem) = await ReadAsync(request, services);
        return problem ?? IfNoneMatch.UnchangedOf(request, etag!) ?? AdminAnswer.Ok(new SecretsBody(secrets), AdminJson.Default.SecretsBody) with { ETag = etag };
    }

    private static async Task<AdminAnswer> GetAsync(AdminRequest request, AdminServices services)
    {
        var (secrets, etag, problem) = await ReadAsync(request, services);
        if (problem is not null)
        {
            return problem;
        }

        return secrets.FirstOrDefault(secret => secret.SecretId == request.Route("secretId")) is { } found
            ? IfNoneMatch.UnchangedOf(request, etag!)
                ?? AdminAnswer.Ok(found, AdminJson.Default.SecretBody) with { ETag = etag }
            : AdminProblem.NotFound("secret");
    }

    private static async Task<AdminAnswer> RevokeAsync(AdminRequest request, AdminServices services)
    {
        if (ClientTarget.IdOf(request) is null || request.Route("secretId") is not { Length: <= MaxSecretId } secretId)
        {
            return AdminProblem.NotFound("secret");
        }

        var query = request.Query;
        var force = query.Flag("force");
        var (target, problem) = await ClientTarget.ReadAsync(request, services.Authority);
        var command = new RevokeSecretCommand(secretId, force, target.Match.ETag, request.NewActor());
        return query.Problem ?? problem
            ?? await ClientChanges.ActAsync(services, target.Id, "client or secret", grain => grain.RevokeSecretAsync(command, CancellationToken.None));
    }

    private static async Task<(IReadOnlyList<SecretBody> Secrets, string? ETag, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminServices services)
    {
        var (client, problem) = await ClientTarget.ReadClientAsync(request, services);
        if (client is null)
        {
            return ([], null, problem);
        }

        var lastUses = await ClientChanges.LastUsesAsync(services, client.ClientId);
        if (!lastUses.Found)
        {
            return ([], null, AdminProblem.NothingDone);
        }

        var usedAt = lastUses.Items.Where(use => use.Kind == Kind).ToDictionary(use => use.Value, use => use.UsedAt, StringComparer.Ordinal);
        return ([.. client.Secrets.Select(secret => new SecretBody(
            secret.SecretId,
            NameOf(secret.Kind),
            secret.Label,
            secret.CreatedAt.UtcDateTime,
            secret.NotBefore?.UtcDateTime,
            secret.ExpiresAt?.UtcDateTime,
            usedAt.TryGetValue(secret.SecretId, out var used) ? used.UtcDateTime : null))], client.ETag, null);
    }

    private static string NameOf(SecretKind kind) => kind switch
    {
        SecretKind.Generated => "generated",
        SecretKind.Given => "given",
        SecretKind.Imported => "imported",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
