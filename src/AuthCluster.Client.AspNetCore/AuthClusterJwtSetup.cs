using AuthCluster.Client.AspNetCore.Keys;
using AuthCluster.Client.AspNetCore.Revocation;
using AuthCluster.Client.AspNetCore.Tokens;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AuthCluster.Client.AspNetCore;

/// <summary>The one line for an API.</summary>
public static class AuthClusterJwtSetup
{
    /// <summary>Accepts AuthCluster's access tokens under the scheme <c>Bearer</c>.</summary>
    /// <param name="builder">What <c>AddAuthentication</c> gave.</param>
    /// <param name="configure">Issuer, audience, and whether revocation is checked. Runs at once: what can't work stops the start.</param>
    public static AuthenticationBuilder AddAuthClusterJwt(this AuthenticationBuilder builder, Action<AuthClusterJwtOptions> configure) =>
        builder.AddAuthClusterJwt(JwtBearerDefaults.AuthenticationScheme, configure);

    /// <summary>Accepts AuthCluster's access tokens under a scheme of its own, for an API with several issuers.</summary>
    /// <param name="builder">What <c>AddAuthentication</c> gave.</param>
    /// <param name="scheme">The scheme's name.</param>
    /// <param name="configure">Issuer, audience, and whether revocation is checked. Runs at once: what can't work stops the start.</param>
    public static AuthenticationBuilder AddAuthClusterJwt(this AuthenticationBuilder builder, string scheme, Action<AuthClusterJwtOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new AuthClusterJwtOptions();
        configure(options);
        options.ThrowIfUnusable();

        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(IssuerKeys.HttpClientName);
        services.AddKeyedSingleton(scheme, (provider, _) => new IssuerKeys(
            options, provider.GetRequiredService<IHttpClientFactory>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<IssuerKeys>>()));
        if (options.Feed is { } feed)
            services.AddAuthClusterRevocationFeed(options.Client, feed);
        if (options.Introspection is { } introspection)
            services.AddAuthClusterIntrospection(options.Client, introspection);

        services.AddSingleton<IConfigureOptions<JwtBearerOptions>>(provider => new ConfigureNamedOptions<JwtBearerOptions>(scheme, bearer =>
            JwtBearerRules.Apply(bearer, options, provider.GetRequiredKeyedService<IssuerKeys>(scheme), NewCheck(provider, options), provider.GetRequiredService<TimeProvider>())));
        services.AddSingleton<IPostConfigureOptions<JwtBearerOptions>>(new PostConfigureOptions<JwtBearerOptions>(scheme, bearer => BearerAnswers.AddTo(bearer)));
        return builder.AddJwtBearer(scheme, _ => { });
    }

    private static IRevocationCheck? NewCheck(IServiceProvider provider, AuthClusterJwtOptions options) => options switch
    {
        { Feed: not null } => new FeedCheck(provider.GetRequiredKeyedService<RevocationFeed>(options.Client)),
        { Introspection: not null } => new IntrospectionCheck(provider.GetRequiredKeyedService<TokenIntrospection>(options.Client)),
        _ => null,
    };
}
