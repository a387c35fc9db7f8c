using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Cluster;

/// <summary>
/// The outermost handler: what nobody expected is logged once, with an id, and the caller gets that id and no
/// detail.
/// </summary>
public sealed partial class FaultMiddleware(RequestDelegate next, ILogger<FaultMiddleware> logger)
{
    /// <summary>Runs the rest of the pipeline.</summary>
#pragma warning disable CA1031 // The last handler takes everything: no stack trace may reach a caller.
    public async Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            await next(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; whatever failed, failed for nobody. What was not written yet must not go out as an empty 200.
            context.Abort();
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.StatusCode = e.StatusCode;
        }
        catch (Exception e)
        {
            LogFault(e, context.GetEndpoint()?.DisplayName ?? "no endpoint", context.TraceIdentifier);
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            OAuthAnswer.ForbidCaching(context.Response);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await OAuthAnswer.WriteJsonAsync(context.Response, OAuthError.ServerError.BodyWith(context.TraceIdentifier));
        }
    }
#pragma warning restore CA1031

    // The endpoint's own name: the path is the caller's text.
    [LoggerMessage(1002, LogLevel.Error, "A request to {Endpoint} failed unexpectedly ({CorrelationId})")]
    private partial void LogFault(Exception exception, string endpoint, string correlationId);
}
