using System.Security.Principal;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Admin;

/// <summary>Runs around each handler of the admin API: authenticates, checks the query, logs the call and catches every exception.</summary>
internal sealed partial class AdminFilter(AdminGate gate, RefusalLog refusals, ILogger<AdminFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var route = ((RouteEndpoint)http.GetEndpoint()!).RoutePattern.RawText![AdminSetup.Prefix.Length..];
        string? actor = null;
        try
        {
            (actor, var refusal) = await gate.AdmitAsync(http);
            var answer = refusal ?? await AnswerAsync(context, actor!, next);
            Log(http, actor, route, answer.Status, isRefused: refusal is not null);
            return answer;
        }
#pragma warning disable CA1031 // The last handler of the admin API logs every exception once and answers 500.
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogFault(e, actor ?? "", route, http.TraceIdentifier);
            return AdminProblem.Fault(http.TraceIdentifier);
        }
    }

    private static async ValueTask<AdminAnswer> AnswerAsync(EndpointFilterInvocationContext context, string actor, EndpointFilterDelegate next)
    {
        context.HttpContext.User = new GenericPrincipal(new GenericIdentity(actor), null);
        var request = context.GetArgument<AdminRequest>(0);
        return request.Query.Problem ?? (AdminAnswer)(await next(context))!;
    }

    /// <summary>Logs a call. A refused one is logged whatever its method, within the rate limit of refusals.</summary>
    private void Log(HttpContext context, string? actor, string route, int status, bool isRefused)
    {
        // Check the level first: a line that is not written must not count against the rate limit.
        if (isRefused
            && !(logger.IsEnabled(LogLevel.Information) && refusals.MayLog(actor is null ? CallerStanding.Unknown : CallerStanding.Proven)))
        {
            return;
        }

        if (!isRefused && HttpMethods.IsGet(context.Request.Method))
        {
            LogRead(actor ?? "", route, status, context.TraceIdentifier);
        }
        else
        {
            LogCall(actor ?? "", context.Request.Method, route, status, context.TraceIdentifier);
        }
    }

    [LoggerMessage(1410, LogLevel.Debug, "Admin read by {Actor}: {Route} answered {Status} ({CorrelationId})")]
    private partial void LogRead(string actor, string route, int status, string correlationId);

    [LoggerMessage(1411, LogLevel.Information, "Admin call by {Actor}: {Method} {Route} answered {Status} ({CorrelationId})")]
    private partial void LogCall(string actor, string method, string route, int status, string correlationId);

    [LoggerMessage(1412, LogLevel.Error, "An admin call of {Actor} to {Route} failed ({CorrelationId})")]
    private partial void LogFault(Exception exception, string actor, string route, string correlationId);
}
