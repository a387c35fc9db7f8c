using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Admin;
using AuthCluster.Web.Clients;
using Microsoft.AspNetCore.Http;

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

    public static void Map(AdminRouteGroup routes)
    {
        routes.Map(HttpMethods.Post, All, AddAsync, AdminRouteDocs.AddSecret);
        routes.Map(HttpMethods.Get, All, ListAsync, AdminRouteDocs.ListSecrets);
        routes.Map(HttpMethods.Get, One, GetAsync, AdminRouteDocs.GetSecret);
        routes.Map(HttpMethods.Delete, One, RevokeAsync, AdminRouteDocs.RevokeSecret);
    }

    private static async Task<AdminAnswer> AddAsync(AdminRequest request, AdminServices services)
    {
        if (ClientRoutes.IdOf(request) is not { } id)
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
            return await ClientRoutes.RefuseAsync(services, key, AdminProblem.Invalid("expiresAt", HasEnded));
        }

        stored = stored with { Label = asked.Label, NotBefore = asked.NotBefore, ExpiresAt = asked.ExpiresAt };
        var command = new AddSecretCommand(stored, asked.RetireOthersAfter, match.ETag, request.NewActor(), key?.Id, now);
        var answer = await services.Authority.AskClientAsync(id.Value, grain => grain.AddSecretAsync(command, CancellationToken.None));
        if (answer.Outcome != ClientOutcome.Done)
        {
            return await ClientRoutes.RefuseAsync(services, key, AdminProblem.Of(answer.Outcome));
        }

        var added = new AddedSecretBody(
            stored.SecretId, secret, stored.Label, now.UtcDateTime, stored.NotBefore?.UtcDateTime, stored.ExpiresAt?.UtcDateTime);
        return new AdminAnswer(StatusCodes.Status201Created)
        {
            Body = JsonSerializer.SerializeToUtf8Bytes(added, AdminJson.Default.AddedSecretBody),
            ETag = answer.ETag,
            Location = $"{ClientRoutes.LocationOf(id)}/secrets/{stored.SecretId}",
        };
    }

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminServices services)
    {
        var (secrets, etag, problem) = await ReadAsync(request, services);
        return problem ?? IfNoneMatch.UnchangedOf(request, etag!) ?? new AdminAnswer(StatusCodes.Status200OK)
        {
            Body = JsonSerializer.SerializeToUtf8Bytes(new SecretsBody(secrets), AdminJson.Default.SecretsBody),
            ETag = etag,
        };
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
                ?? new AdminAnswer(StatusCodes.Status200OK) { Body = JsonSerializer.SerializeToUtf8Bytes(found, AdminJson.Default.SecretBody), ETag = etag }
            : AdminProblem.NotFound("secret");
    }

    private static async Task<AdminAnswer> RevokeAsync(AdminRequest request, AdminServices services)
    {
        if (ClientRoutes.IdOf(request) is not { } id || request.Route("secretId") is not { Length: <= MaxSecretId } secretId)
        {
            return AdminProblem.NotFound("secret");
        }

        var query = request.Query;
        var force = query.Flag("force");
        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        var command = new RevokeSecretCommand(secretId, force, match.ETag, request.NewActor());
        return query.Problem ?? problem
            ?? await ClientRoutes.ActAsync(services, id, "client or secret", grain => grain.RevokeSecretAsync(command, CancellationToken.None));
    }

    private static async Task<(IReadOnlyList<SecretBody> Secrets, string? ETag, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminServices services)
    {
        if (ClientRoutes.IdOf(request) is not { } id)
        {
            return ([], null, AdminProblem.NotFound("client"));
        }

        var (match, problem) = await IfMatch.ReadAsync(request, services.Authority, id.Value);
        if (problem is not null)
        {
            return ([], null, problem);
        }

        var answer = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
        if (answer is not { Outcome: ClientOutcome.Done, Client: { } client })
        {
            return ([], null, AdminProblem.OfRead(answer.Outcome));
        }

        if (!match.Admits(client.ETag))
        {
            return ([], null, AdminProblem.Stale);
        }

        var lastUses = await ClientRoutes.LastUsesAsync(services, id);
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
