using AuthCluster.Web.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.Web.Admin;

/// <summary>Registers and maps the admin API.</summary>
/// <remarks>
/// The folder owns <c>/admin/v1</c>. A request passes <see cref="AdminFilter"/> and in it <see cref="AdminGate"/>, is read by the static
/// class of its routes, goes to a client's grain or to the catalogue's by <see cref="AdminGrains"/>, and comes back as an
/// <see cref="AdminAnswer"/>. Nothing is decided here: documents are read by the protocol, changes are decided
/// by the client's grain.
/// </remarks>
public static class AdminSetup
{
    /// <summary>What all paths begin with.</summary>
    internal const string Prefix = "/admin/v1";

    /// <summary>Registers the services.</summary>
    public static IServiceCollection AddAuthClusterAdmin(this IServiceCollection services, AdminDefaults defaults)
    {
        services.AddSingleton(defaults);
        services.AddSingleton<AdminGrains>();
        services.AddSingleton<AdminGate>();
        services.AddSingleton<AdminFilter>();
        services.AddSingleton<IdempotentChoices>();
        services.AddSingleton<SecretHashing>();
        services.AddSingleton<ClientPatching>();
        services.AddSingleton<ClientChangeAnswers>();
        services.AddSingleton<ClientCreation>();
        services.AddSingleton<ClientReplacement>();
        services.AddSingleton<SecretCreation>();
        services.AddAdminOpenApi();
        return services;
    }

    /// <summary>
    /// Answers a problem where routing finds no path or method below <c>/admin/v1</c>. A caller who may not call the API is told that
    /// first, and learns nothing of its paths.
    /// </summary>
    public static IApplicationBuilder UseAdminProblems(this IApplicationBuilder app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments(Prefix, StringComparison.OrdinalIgnoreCase),
        admin => admin.UseStatusCodePages(async refused =>
        {
            var context = refused.HttpContext;
            AdminAnswer? problem = context.Response.StatusCode switch
            {
                StatusCodes.Status404NotFound => AdminProblem.NotFound("path"),
                StatusCodes.Status405MethodNotAllowed => AdminProblem.MethodNotAllowed,
                _ => null,
            };
            if (problem is null)
            {
                return;
            }

            if (await context.RequestServices.GetRequiredService<AdminGate>().AdmitAsync(context) is { Refusal: { } refusal })
            {
                context.Response.Headers.Allow = default;
                problem = refusal;
            }

            await problem.ExecuteAsync(context);
        }));

    /// <summary>Maps <c>/admin/v1</c> and its description.</summary>
    public static void MapAuthClusterAdmin(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var group = routes.MapGroup(Prefix)
            .WithGroupName(AdminOpenApi.Document)
            .WithMetadata(new ManagementEndpoint(LoopbackOnly: false))
            .Refuses(400, 401, 403, 500, 503)
            .AddEndpointFilter(routes.ServiceProvider.GetRequiredService<AdminFilter>());
        ClientRoutes.Map(group);
        SecretRoutes.Map(group);
        ReportRoutes.Map(group);
        UsageRoutes.Map(group);
        AuditRoutes.Map(group);
        EmergencyRoutes.Map(group);
        ClusterRoutes.Map(group);
        routes.MapAdminOpenApi();
    }
}
