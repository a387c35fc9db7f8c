using AuthCluster.Web.Cluster;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Admin;

/// <summary>Answers one authenticated request.</summary>
internal delegate Task<AdminAnswer> AdminHandler(AdminRequest request, AdminServices services);

/// <summary>
/// Maps the routes of the admin API. There is no way to map one past the gate, the size of the body, or the
/// management listener.
/// </summary>
internal sealed partial class AdminRouteGroup(
    IEndpointRouteBuilder routes, AdminServices services, RefusalLog refusals, ILogger<AdminRouteGroup> logger)
{
    /// <summary>What all paths begin with.</summary>
    public const string Prefix = "/admin/v1";

    /// <summary>Maps one route.</summary>
    public void Map(string method, string pattern, AdminHandler handler, AdminRouteDoc doc)
    {
        // As a delegate with a result, not a request delegate, so that it is described in the OpenAPI document.
        var endpoint = routes
            .MapMethods(Prefix + pattern, [method], (Delegate)((HttpContext context) => HandleAsync(context, pattern, handler, doc)))
            .WithName(doc.Name)
            .WithTags(doc.Tag)
            .WithSummary(doc.Summary)
            .WithMetadata(new ManagementEndpoint(LoopbackOnly: false), doc);
        foreach (var (status, body) in doc.Answers)
        {
            endpoint.WithMetadata(body is null
                ? new ProducesResponseTypeMetadata(status, typeof(void))
                : new ProducesResponseTypeMetadata(status, body, [AdminBody.Json]));
        }

        foreach (var status in doc.Problems)
        {
            endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ProblemBody), ["application/problem+json"]));
        }
    }

    private async Task<IResult> HandleAsync(HttpContext context, string pattern, AdminHandler handler, AdminRouteDoc doc)
    {
        string? actor = null;
        try
        {
            (actor, var refusal) = await services.Gate.AdmitAsync(context);
            var answer = refusal ?? await AnswerAsync(context, actor!, handler, doc);
            Log(context, actor, pattern, answer.Status, isRefused: refusal is not null);

            return answer;
        }
#pragma warning disable CA1031 // The last handler of the admin API: whatever went wrong is logged once and answered as a fault.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFault(e, actor ?? "", pattern, context.TraceIdentifier);
            return AdminProblem.Fault(context.TraceIdentifier);
        }
    }

    /// <summary>Logs a call. Calls that were not admitted are logged whatever their method, and within the bound of refusals.</summary>
    private void Log(HttpContext context, string? actor, string pattern, int status, bool isRefused)
    {
        // The level is looked at first: a line that is not written must not use the bound up.
        if (isRefused
            && !(logger.IsEnabled(LogLevel.Information) && refusals.MayLog(actor is null ? CallerStanding.Stranger : CallerStanding.Proven)))
        {
            return;
        }

        if (!isRefused && HttpMethods.IsGet(context.Request.Method))
        {
            LogRead(actor ?? "", pattern, status, context.TraceIdentifier);
        }
        else
        {
            LogCall(actor ?? "", context.Request.Method, pattern, status, context.TraceIdentifier);
        }
    }

    private Task<AdminAnswer> AnswerAsync(HttpContext context, string actor, AdminHandler handler, AdminRouteDoc doc)
    {
        var query = new AdminQuery(context.Request.QueryString, doc.QueryParameters);
        return query.Problem is { } problem ? Task.FromResult(problem) : handler(new AdminRequest(context, actor, query), services);
    }

    [LoggerMessage(1410, LogLevel.Debug, "Admin read by {Actor}: {Route} answered {Status} ({CorrelationId})")]
    private partial void LogRead(string actor, string route, int status, string correlationId);

    [LoggerMessage(1411, LogLevel.Information, "Admin call by {Actor}: {Method} {Route} answered {Status} ({CorrelationId})")]
    private partial void LogCall(string actor, string method, string route, int status, string correlationId);

    [LoggerMessage(1412, LogLevel.Error, "An admin call of {Actor} to {Route} failed ({CorrelationId})")]
    private partial void LogFault(Exception exception, string actor, string route, string correlationId);
}
