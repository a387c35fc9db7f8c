using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AuthCluster.Web.Cluster;

/// <summary><c>/health/live</c> and <c>/health/ready</c>.</summary>
public static class HealthEndpoints
{
    /// <summary>Maps both.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods("/health/live", methods, () => Results.Text("live"));
        routes.MapMethods("/health/ready", methods, (Readiness readiness, HttpResponse response) =>
        {
            response.Headers.CacheControl = "no-store";
            return readiness.IsReady
                ? Results.Text("ready")
                : Results.Text(readiness.Reason, statusCode: StatusCodes.Status503ServiceUnavailable);
        });
    }
}
