using System.Collections.Immutable;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Admin;

/// <summary><c>/admin/v1/reports/usage</c> and <c>/admin/v1/clients/{id}/usage</c>.</summary>
internal static class UsageRoutes
{
    private const int MaxBuckets = 10_000;
    private const string Hour = "hour";
    private const string Day = "day";
    private const string Issued = "issued";
    private const string Refused = "refused";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var reports = routes.MapGroup("").WithTags(AdminTags.Reports);
        reports.MapGet("/reports/usage", UsageAsync)
            .WithName("getUsageReport").WithSummary("Which clients use the capacity, most first.")
            .Takes(
                AdminParameters.From,
                AdminParameters.To,
                AdminParameters.Choice("order", "By tokens issued unless given.", Issued, Refused),
                AdminParameters.Limit)
            .Produces<UsageReportBody>();
        reports.MapGet(ClientRoutes.One + "/usage", ClientUsageAsync)
            .WithName("getClientUsage").WithSummary("What a client got and was refused, by hour or day.")
            .Takes(AdminParameters.From, AdminParameters.To, AdminParameters.Choice("bucket", "By hour unless given.", Hour, Day))
            .Produces<ClientUsageBody>().Refuses(404);
    }

    private static async Task<AdminAnswer> UsageAsync(AdminRequest request, AdminGrains grains, TimeProvider clock)
    {
        var query = request.Query;
        var order = query.Choice("order", Issued, Refused);
        var limit = query.Limit();
        var (from, to) = Window(query, clock.GetUtcNow(), TimeSpan.FromHours(1));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var asked = new UsageReportQuery(from, to, order == Refused, limit);
        var report = await grains.AskReportAsync(
            () => grains.Catalogue.UsageReportAsync(asked, CancellationToken.None), new UsageReportAnswer(false, []));
        if (!report.Found)
        {
            return AdminProblem.NothingDone;
        }

        var body = new UsageReportBody(
            from.UtcDateTime,
            to.UtcDateTime,
            order,
            [.. report.Items.Select(item => new UsageReportItemBody(item.ClientId, item.Issued, item.Refused))]);
        return AdminAnswer.Ok(body, AdminJson.Default.UsageReportBody);
    }

    private static async Task<AdminAnswer> ClientUsageAsync(AdminRequest request, AdminGrains grains, TimeProvider clock)
    {
        if (ClientTarget.IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var query = request.Query;
        var bucket = query.Choice("bucket", Hour, Day);
        var width = bucket == Hour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
        var (from, to) = Window(query, clock.GetUtcNow(), width);
        if ((to - from) / width > MaxBuckets)
        {
            query.Refuse("from", "Is too long before to: the window has more than 10,000 buckets.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var client = await grains.ReadClientAsync(id);
        if (client.Outcome != ClientOutcome.Done)
        {
            return AdminProblem.OfRead(client.Outcome);
        }

        var asked = new ClientUsageQuery(id.Value, from, to);
        var usage = await grains.AskAsync(
            () => grains.Catalogue.ClientUsageAsync(asked, CancellationToken.None), new ClientUsageAnswer(false, []));
        var lastUses = await grains.ReadLastUsesAsync(id);
        if (!usage.Found || !lastUses.Found)
        {
            return AdminProblem.NothingDone;
        }

        var byBucket = usage.Items.ToLookup(item => Floor(item.Hour, width));
        var buckets = ImmutableArray.CreateBuilder<UsageBucketBody>();
        // Count buckets rather than compare times: the bucket after the last may begin beyond the largest time.
        for (var bucketsBefore = 0L; bucketsBefore * width < to - from; bucketsBefore++)
        {
            var start = from + (bucketsBefore * width);
            var totals = TotalsOf(byBucket[start]);
            buckets.Add(new UsageBucketBody(start.UtcDateTime, totals.Issued, totals.Refused));
        }

        var body = new ClientUsageBody(
            id.Value, from.UtcDateTime, to.UtcDateTime, bucket, TotalsOf(usage.Items), buckets.ToImmutable(), ClientAnswers.LastUseOf(client.Client, lastUses)?.UtcDateTime);
        return AdminAnswer.Ok(body, AdminJson.Default.ClientUsageBody);
    }

    /// <summary>The window of a query: whole buckets from its start on; without a start, the last 24 hours.</summary>
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

    /// <summary>Sums by the error codes that callers know; several refusals share a code.</summary>
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
}
