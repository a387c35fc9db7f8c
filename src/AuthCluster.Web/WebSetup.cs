using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Cluster;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Introspection;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Metadata;
using AuthCluster.Web.OAuth;
using AuthCluster.Web.Revocation;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.Web;

/// <summary>Registers and maps what a front end serves.</summary>
public static class WebSetup
{
    /// <summary>Registers the front end's services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="issuer">The issuer.</param>
    /// <param name="keys">The key ring of this process.</param>
    public static IServiceCollection AddAuthClusterWeb(this IServiceCollection services, IssuerUri issuer, KeyRing keys)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton(issuer);
        services.AddSingleton(keys);
        services.AddSingleton<Readiness>();
        services.AddSingleton<KeyLease>();
        services.AddSingleton<KeyBorrower>();
        services.AddSingleton<Admission>();
        services.AddSingleton<CallMetrics>();
        services.AddSingleton<TokenMetrics>();
        services.AddSingleton<SlowHashGate>();
        services.AddSingleton<CallRetry>();
        services.AddSingleton<ClientAuthority>();
        services.AddSingleton<IssuedTokens>();
        services.AddSingleton<TokenSigner>();
        services.AddSingleton<TokenValidator>();
        services.AddSingleton<ReusableTokens>();
        services.AddSingleton<RefusalPacer>();
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<OAuthTelemetry>();
        services.AddSingleton<TokenEndpoint>();
        services.AddSingleton<OAuthPipeline>();
        services.AddSingleton<IntrospectionEndpoint>();
        services.AddSingleton<RevocationEndpoint>();
        services.AddSingleton<RevocationWatch>();
        services.AddSingleton<RevocationFeedEndpoint>();
        services.AddSingleton<WellKnownEndpoints>();
        return services;
    }

    /// <summary>Maps the public endpoints, at the root and below the issuer's path.</summary>
    public static void MapAuthClusterWeb(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var services = routes.ServiceProvider;
        var pipeline = services.GetRequiredService<OAuthPipeline>();
        (string Path, IOAuthEndpoint Endpoint)[] endpoints =
        [
            (ServerMetadata.TokenPath, services.GetRequiredService<TokenEndpoint>()),
            (ServerMetadata.IntrospectionPath, services.GetRequiredService<IntrospectionEndpoint>()),
            (ServerMetadata.RevocationPath, services.GetRequiredService<RevocationEndpoint>()),
            (ServerMetadata.RevocationFeedPath, services.GetRequiredService<RevocationFeedEndpoint>()),
        ];
        var path = services.GetRequiredService<IssuerUri>().Path;
        foreach (var prefix in path.Length > 0 ? (string[])["", path] : [""])
        {
            // Every method is mapped, so that the endpoint itself answers 405, uncached as all its answers.
            foreach (var (route, endpoint) in endpoints)
            {
                routes.Map(prefix + route, (RequestDelegate)(context => pipeline.HandleAsync(context, endpoint)));
            }
        }

        services.GetRequiredService<WellKnownEndpoints>().Map(routes);
    }
}
