using System.Collections.Immutable;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Builder;
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

    private static readonly AdminRouteDoc Usage = new("getUsageReport", AdminTags.Reports, "Which clients use the capacity, most first.")
    {
        Answers = [(200, typeof(UsageReportBody))],
        Parameters = [AdminParameters.From, AdminParameters.To, new AdminParameter("order", "string", "By tokens issued unless given.") { Values = [Issued, Refused] }, AdminParameters.Limit],
    };

    private static readonly AdminRouteDoc ClientUsage = new("getClientUsage", AdminTags.Reports, "What a client got and was refused, by hour or day.")
    {
        Answers = [(200, typeof(ClientUsageBody))],
        MoreProblems = [404],
        Parameters = [AdminParameters.From, AdminParameters.To, new AdminParameter("bucket", "string", "By hour unless given.") { Values = [Hour, Day] }],
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/reports/usage", UsageAsync).Describe(Usage);
        routes.MapGet(ClientRoutes.One + "/usage", ClientUsageAsync).Describe(ClientUsage);
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
        return AdminAnswer.Ok(body, AdminJson.Default.UsageReportBody);
    }

    private static async Task<AdminAnswer> ClientUsageAsync(AdminRequest request, AdminServices services)
    {
        if (ClientTarget.IdOf(request) is not { } id)
        {
            return AdminProblem.NotFound("client");
        }

        var query = request.Query;
        var bucket = query.Choice("bucket", Hour, Day);
        var width = bucket == Hour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
        var (from, to) = Window(query, services.Clock.GetUtcNow(), width);
        if ((to - from) / width > MaxBuckets)
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
        var lastUses = await ClientChanges.LastUsesAsync(services, id.Value);
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
        return AdminAnswer.Ok(body, AdminJson.Default.ClientUsageBody);
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
}
