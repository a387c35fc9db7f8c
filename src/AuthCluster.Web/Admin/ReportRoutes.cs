using System.Collections.Immutable;
using AuthCluster.Contracts.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/reports/unused</c> and <c>/admin/v1/reports/expiring</c>.</summary>
internal static class ReportRoutes
{
    private const int MaxDays = 3_650;
    private const int DefaultUnusedDays = 90;
    private const int DefaultExpiringDays = 30;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var reports = routes.MapGroup("").WithTags(AdminTags.Reports);
        reports.MapGet("/reports/unused", UnusedAsync)
            .WithName("getUnusedReport").WithSummary("Clients, scopes and secrets that nothing used.")
            .Takes(
                AdminParameters.Number("days", 0, MaxDays, "Neither used nor made for so many days; 90 unless given."),
                AdminParameters.After,
                AdminParameters.Limit)
            .Produces<UnusedReportBody>();
        reports.MapGet("/reports/expiring", ExpiringAsync)
            .WithName("getExpiringReport").WithSummary("Secrets and signing keys that run out, the soonest first.")
            .Takes(
                AdminParameters.Number("days", 0, MaxDays, "Within so many days; 30 unless given."),
                AdminParameters.After,
                AdminParameters.Limit)
            .Produces<ExpiringReportBody>();
    }

    private static async Task<AdminAnswer> UnusedAsync(AdminRequest request, AdminGrains grains, TimeProvider clock)
    {
        var query = request.Query;
        var days = query.Number("days", 0, MaxDays, DefaultUnusedDays);
        var limit = query.Limit();
        UnusedCursor? after = null;
        if (query.Text(AdminCursor.Parameter) is { } word && !AdminCursor.TryRead(word, AdminJson.Default.UnusedCursor, out after))
        {
            query.Refuse(AdminCursor.Parameter, AdminCursor.NeverGiven);
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var asked = new UnusedReportQuery(
            clock.GetUtcNow().AddDays(-days),
            after is null ? null : new UnusedRecord(after.ClientId, after.Kind, after.Value, null, default, null),
            limit + 1);
        var report = await grains.AskReportAsync(
            () => grains.Catalogue.UnusedReportAsync(asked, CancellationToken.None), new UnusedReportAnswer(false, []));
        if (!report.Found)
        {
            return AdminProblem.NothingDone;
        }

        var items = report.Items.Take(limit).ToImmutableArray();
        var next = report.Items.Length > limit
            ? AdminCursor.Write(new UnusedCursor(items[^1].ClientId, items[^1].Kind, items[^1].Value), AdminJson.Default.UnusedCursor)
            : null;
        var body = new UnusedReportBody(
            [.. items.Select(item => new UnusedBody(
                item.ClientId, item.Kind, item.Value.Length > 0 ? item.Value : null, item.Label, item.CreatedAt.UtcDateTime, item.LastUsedAt?.UtcDateTime))],
            next);
        return AdminAnswer.Ok(body, AdminJson.Default.UnusedReportBody);
    }

    private static async Task<AdminAnswer> ExpiringAsync(AdminRequest request, AdminGrains grains, TimeProvider clock)
    {
        var query = request.Query;
        var days = query.Number("days", 0, MaxDays, DefaultExpiringDays);
        var limit = query.Limit();
        ExpiringCursor? after = null;
        if (query.Text(AdminCursor.Parameter) is { } word && !AdminCursor.TryRead(word, AdminJson.Default.ExpiringCursor, out after))
        {
            query.Refuse(AdminCursor.Parameter, AdminCursor.NeverGiven);
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var now = clock.GetUtcNow();
        var asked = new ExpiringReportQuery(
            now,
            now.AddDays(days),
            after is null ? null : new ExpiringSecretRecord(after.ClientId, after.SecretId, null, "", true, after.ExpiresAt),
            limit + 1);
        var report = await grains.AskReportAsync(
            () => grains.Catalogue.ExpiringReportAsync(asked, CancellationToken.None), new ExpiringReportAnswer(false, [], []));
        if (!report.Found)
        {
            return AdminProblem.NothingDone;
        }

        var secrets = report.Secrets.Take(limit).ToImmutableArray();
        var next = report.Secrets.Length > limit
            ? AdminCursor.Write(new ExpiringCursor(secrets[^1].ClientId, secrets[^1].SecretId, secrets[^1].ExpiresAt), AdminJson.Default.ExpiringCursor)
            : null;

        // There are few keys: they come with the first page.
        var keys = after is null ? report.Keys : [];
        var body = new ExpiringReportBody(
            [.. secrets.Select(secret => new ExpiringBody(
                    "secret",
                    secret.ClientId,
                    secret.SecretId,
                    secret.Label,
                    secret.Owner.Length > 0 ? secret.Owner : null,
                    secret.ClientEnabled,
                    null,
                    secret.ExpiresAt.UtcDateTime))
                .Concat(keys.Select(key => new ExpiringBody("key", null, null, null, null, null, key.Kid, key.ExpiresAt.UtcDateTime)))
                .OrderBy(item => item.ExpiresAt)],
            next);
        return AdminAnswer.Ok(body, AdminJson.Default.ExpiringReportBody);
    }
}
