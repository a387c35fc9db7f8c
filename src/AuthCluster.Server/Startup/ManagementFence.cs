using AuthCluster.Server.Settings;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>
/// Protects <c>/admin</c>, <c>/metrics</c>, <c>/dashboard</c> and <c>/openapi</c>. It checks the endpoint that routing chose, not only the
/// path, so that no spelling of a path gets past it. Where there is a management listener, the other listeners answer 404 below these
/// paths and don't even tell which methods exist.
/// </summary>
internal static class ManagementFence
{
    private static readonly PathString[] Fenced = ["/admin", "/metrics", "/dashboard", "/openapi"];

    public static void UseManagementFence(this WebApplication app, ServerSettings settings)
    {
        var ports = settings.Http.ManagementUrls.Select(url => BindingAddress.Parse(url).Port).ToHashSet();
        app.Use((context, next) =>
        {
            if ((context.GetEndpoint()?.Metadata.GetMetadata<ManagementEndpoint>() is { } management && !MayPass(management, ports, context))
                || (ports.Count > 0 && !ports.Contains(context.Connection.LocalPort) && Array.Exists(Fenced, path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase))))
            {
                context.SetEndpoint(null);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(context);
        });
    }

    private static bool MayPass(ManagementEndpoint endpoint, HashSet<int> ports, HttpContext context) =>
        ports.Count > 0
            ? ports.Contains(context.Connection.LocalPort)
            : !endpoint.LoopbackOnly || LoopbackCaller.Is(context);
}
