using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/reports</c> and <c>/admin/v1/clients/{id}/usage</c>.</summary>
internal static class ReportRoutes
{
    private const int MaxDays = 3_650;
    private const int DefaultUnusedDays = 90;
    private const int DefaultExpiringDays = 30;
    private const int MostBuckets = 10_000;
    private const string Hour = "hour";
    private const string Day = "day";
    private const string Issued = "issued";
    private const string Refused = "refused";

    public static void Map(AdminRouteGroup routes)
    {
        routes.Map(HttpMethods.Get, "/reports/unused", UnusedAsync, AdminRouteDocs.Unused);
        routes.Map(HttpMethods.Get, "/reports/expiring", ExpiringAsync, AdminRouteDocs.Expiring);
        routes.Map(HttpMethods.Get, "/reports/usage", UsageAsync, AdminRouteDocs.Usage);
        routes.Map(HttpMethods.Get, "/clients/{id}/usage", ClientUsageAsync, AdminRouteDocs.ClientUsage);
    }

    private static async Task<AdminAnswer> UnusedAsync(AdminRequest request, AdminServices services)
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
            services.Clock.GetUtcNow().AddDays(-days),
            after is null ? null : new UnusedRecord(after.ClientId, after.Kind, after.Value, null, default, null),
            limit + 1);
        var report = await services.Authority.AskReportAsync(
            () => services.Authority.Catalogue.UnusedReportAsync(asked, CancellationToken.None), new UnusedReportAnswer(false, []));
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
        return Ok(JsonSerializer.SerializeToUtf8Bytes(body, AdminJson.Default.UnusedReportBody));
    }

    private static async Task<AdminAnswer> ExpiringAsync(AdminRequest request, AdminServices services)
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

        var now = services.Clock.GetUtcNow();
        var asked = new ExpiringReportQuery(
            now,
            now.AddDays(days),
            after is null ? null : new ExpiringSecretRecord(after.ClientId, after.SecretId, null, "", true, after.ExpiresAt),
            limit + 1);
        var report = await services.Authority.AskReportAsync(
            () => services.Authority.Catalogue.ExpiringReportAsync(asked, CancellationToken.None), new ExpiringReportAnswer(false, [], []));
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
        return Ok(JsonSerializer.SerializeToUtf8Bytes(body, AdminJson.Default.ExpiringReportBody));
    }

    private static async Task<AdminAnswer> UsageAsync(AdminRequest request, AdminServices services)
    {
        var query = request.Query;
        var order = query.Choice("order", Issued, Refused);
        var limit = query.Limit();
        var (from, to) = Window(query, services.Clock.GetUtcNow(), TimeSpan.FromHours(1));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var asked = new UsageReportQuery(from, to, order == Refused, limit);
        var report = await services.Authority.AskReportAsync(
            () => services.Authority.Catalogue.UsageReportAsync(asked, CancellationToken.None), new UsageReportAnswer(false, []));
        if (!report.Found)
        {
            return AdminProblem.NothingDone;
        }

        var body = new UsageReportBody(
            from.UtcDateTime,
            to.UtcDateTime,
            order,
            [.. report.Items.Select(item => new UsageReportItemBody(item.ClientId, item.Issued, item.Refused))]);
        return Ok(JsonSerializer.SerializeToUtf8Bytes(body, AdminJson.Default.UsageReportBody));
    }

    private static async Task<AdminAnswer> ClientUsageAsync(AdminRequest request, AdminServices services)
    {
        if (ClientRoutes.IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var query = request.Query;
        var bucket = query.Choice("bucket", Hour, Day);
        var width = bucket == Hour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
        var (from, to) = Window(query, services.Clock.GetUtcNow(), width);
        if ((to - from) / width > MostBuckets)
        {
            query.Refuse("from", "Is too long before to: the window has more than 10,000 buckets.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var client = await services.Authority.AskClientAsync(id.Value, grain => grain.GetAsync(CancellationToken.None));
        if (client.Outcome != ClientOutcome.Done)
        {
            return AdminProblem.OfRead(client.Outcome);
        }

        var asked = new ClientUsageQuery(id.Value, from, to);
        var usage = await services.Authority.AskAsync(
            () => services.Authority.Catalogue.ClientUsageAsync(asked, CancellationToken.None), new ClientUsageAnswer(false, []));
        var lastUses = await ClientRoutes.LastUsesAsync(services, id);
        if (!usage.Found || !lastUses.Found)
        {
            return AdminProblem.NothingDone;
        }

        var byBucket = usage.Items.ToLookup(item => Floor(item.Hour, width));
        var buckets = ImmutableArray.CreateBuilder<UsageBucketBody>();
        // By count: at the end of time the bucket after the last would begin beyond what a time can be.
        for (var bucketsBefore = 0L; bucketsBefore * width < to - from; bucketsBefore++)
        {
            var start = from + (bucketsBefore * width);
            var totals = TotalsOf(byBucket[start]);
            buckets.Add(new UsageBucketBody(start.UtcDateTime, totals.Issued, totals.Refused));
        }

        var body = new ClientUsageBody(
            id.Value, from.UtcDateTime, to.UtcDateTime, bucket, TotalsOf(usage.Items), buckets.ToImmutable(), ClientAnswers.LastUseOf(client.Client, lastUses)?.UtcDateTime);
        return Ok(JsonSerializer.SerializeToUtf8Bytes(body, AdminJson.Default.ClientUsageBody));
    }

    /// <summary>The window of a query: whole buckets from its start on; the last 24 hours without one.</summary>
    private static (DateTimeOffset From, DateTimeOffset To) Window(AdminQuery query, DateTimeOffset now, TimeSpan width)
    {
        var to = query.Time("to") ?? now;
        var from = query.Time("from") ?? (to > DateTimeOffset.UnixEpoch.AddDays(1) ? to.AddDays(-1) : DateTimeOffset.UnixEpoch);
        if (from >= to)
        {
            query.Refuse("from", "Must be earlier than to.");
        }

        return (Floor(from, width), to.ToUniversalTime());
    }

    private static DateTimeOffset Floor(DateTimeOffset time, TimeSpan width) => new(time.UtcTicks - (time.UtcTicks % width.Ticks), TimeSpan.Zero);

    /// <summary>Sums by the error codes that callers know; several refusals share one.</summary>
    private static UsageTotalsBody TotalsOf(IEnumerable<HourlyUsageRecord> counts)
    {
        var issued = 0L;
        var refused = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var count in counts)
        {
            if (count.Outcome == HourlyUsageRecord.Issued)
            {
                issued += count.Count;
                continue;
            }

            var code = Enum.TryParse<Refusal>(count.Outcome, out var refusal) && refusal != Refusal.None
                ? RefusalMapping.ErrorOf(refusal).Code
                : count.Outcome;
            refused[code] = refused.GetValueOrDefault(code) + count.Count;
        }

        return new UsageTotalsBody(issued, refused);
    }

    private static AdminAnswer Ok(byte[] body) => new(StatusCodes.Status200OK) { Body = body };
}
