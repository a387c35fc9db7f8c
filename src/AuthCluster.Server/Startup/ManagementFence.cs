using System.Net;
using AuthCluster.Server.Settings;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Server.Startup;

/// <summary>
/// The fence around <c>/admin</c>, <c>/metrics</c>, <c>/dashboard</c> and <c>/openapi</c>. It looks at the endpoint that
/// routing chose, not at the path, so that no spelling of a path gets past it.
/// </summary>
internal static class ManagementFence
{
    public static void UseManagementFence(this WebApplication app, ServerSettings settings)
    {
        var ports = settings.Http.ManagementUrls.Select(url => BindingAddress.Parse(url).Port).ToHashSet();
        app.Use((context, next) =>
        {
            if (context.GetEndpoint()?.Metadata.GetMetadata<ManagementEndpoint>() is { } management
                && !MayPass(management, ports, context.Connection))
            {
                context.SetEndpoint(null);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(context);
        });
    }

    private static bool MayPass(ManagementEndpoint endpoint, HashSet<int> ports, ConnectionInfo connection) =>
        ports.Count > 0
            ? ports.Contains(connection.LocalPort)
            : !endpoint.LoopbackOnly || (connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address));
}
