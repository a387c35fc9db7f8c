using AuthCluster.Contracts.Clients;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/clients/{id}/secrets</c>; additions have a file of their own.</summary>
internal static class SecretRoutes
{
    /// <summary>A client's secrets.</summary>
    public const string All = "/clients/{id}/secrets";

    private const string One = All + "/{secretId}";
    private const string Kind = "secret";
    private const int MaxSecretId = 128;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var secrets = routes.MapGroup("").WithTags(AdminTags.Secrets);
        SecretCreation.Map(secrets);
        secrets.MapGet(All, ListAsync)
            .WithName("listSecrets").WithSummary("Lists a client's secrets, without the secrets themselves.")
            .Takes(AdminParameters.IfMatch, AdminParameters.IfNoneMatch)
            .Produces<SecretsBody>().Produces(304).AnswersWith(AnswerHeader.ETag).Refuses(404, 412);
        secrets.MapGet(One, GetAsync)
            .WithName("getSecret").WithSummary("Reads a secret's metadata.")
            .Takes(AdminParameters.IfMatch, AdminParameters.IfNoneMatch)
            .Produces<SecretBody>().Produces(304).AnswersWith(AnswerHeader.ETag).Refuses(404, 412);
        secrets.MapDelete(One, RevokeAsync)
            .WithName("revokeSecret").WithSummary("Revokes a secret.")
            .Takes(AdminParameters.Flag("force", "Also when it is the client's last valid secret."), AdminParameters.IfMatch)
            .Changes().Refuses(404, 409, 412);
    }

    private static async Task<AdminAnswer> ListAsync(AdminRequest request, AdminGrains grains)
    {
        var (secrets, etag, problem) = await ReadAsync(request, grains);
        return problem ?? IfNoneMatch.UnchangedOf(request, etag!) ?? AdminAnswer.Ok(new SecretsBody(secrets), AdminJson.Default.SecretsBody) with { ETag = etag };
    }

    private static async Task<AdminAnswer> GetAsync(AdminRequest request, AdminGrains grains)
    {
        var (secrets, etag, problem) = await ReadAsync(request, grains);
        if (problem is not null)
        {
            return problem;
        }

        return secrets.FirstOrDefault(secret => secret.SecretId == request.Route("secretId")) is { } found
            ? IfNoneMatch.UnchangedOf(request, etag!)
                ?? AdminAnswer.Ok(found, AdminJson.Default.SecretBody) with { ETag = etag }
            : AdminProblem.NotFound("secret");
    }

    private static async Task<AdminAnswer> RevokeAsync(AdminRequest request, AdminGrains grains, ClientChangeAnswers changes)
    {
        if (ClientTarget.IdOf(request) is null || request.Route("secretId") is not { Length: <= MaxSecretId } secretId)
        {
            return AdminProblem.NotFound("secret");
        }

        var query = request.Query;
        var force = query.Flag("force");
        var (target, problem) = await ClientTarget.ReadAsync(request, grains);
        return query.Problem ?? problem ?? await changes.ChangeAsync(target.Id, "client or secret", request.NewChange(), (grain, actor) =>
            grain.RevokeSecretAsync(new RevokeSecretCommand(secretId, force, target.Match.ETag, actor), CancellationToken.None));
    }

    private static async Task<(IReadOnlyList<SecretBody> Secrets, string? ETag, AdminAnswer? Problem)> ReadAsync(AdminRequest request, AdminGrains grains)
    {
        var (target, client, problem) = await ClientTarget.ReadClientAsync(request, grains);
        if (client is null)
        {
            return ([], null, problem);
        }

        var lastUses = await grains.ReadLastUsesAsync(target.Id);
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
