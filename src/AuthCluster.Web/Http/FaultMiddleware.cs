using AuthCluster.Protocol.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Http;

/// <summary>
/// The outermost handler. It logs an unexpected exception, or a handler that ends without an answer, once with an id, and
/// answers the caller with that id and no detail.
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
            ThrowIfUnanswered(context.Response);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone, so nobody reads an answer. Kestrel would send an empty 200 for what was not written; aborting prevents that.
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
            JsonResponse.ForbidCaching(context.Response);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await JsonResponse.WriteAsync(context.Response, OAuthError.ServerError.BodyWith(context.TraceIdentifier));
        }
    }
#pragma warning restore CA1031

    /// <summary>A 200 that has not started and has no length is the server's default: no handler has answered. So a handler that writes a body flushes it.</summary>
    private static void ThrowIfUnanswered(HttpResponse response)
    {
        if (response is { StatusCode: StatusCodes.Status200OK, HasStarted: false, ContentLength: null })
        {
            throw new InvalidOperationException("The request was handled and not answered.");
        }
    }

    // The log names the endpoint, not the path, since the path is the caller's text.
    [LoggerMessage(1002, LogLevel.Error, "A request to {Endpoint} failed unexpectedly ({CorrelationId})")]
    private partial void LogFault(Exception exception, string endpoint, string correlationId);
}
