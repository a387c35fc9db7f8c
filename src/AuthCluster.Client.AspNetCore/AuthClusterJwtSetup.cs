using System.Net;
using AuthCluster.Client.AspNetCore.Keys;
using AuthCluster.Client.AspNetCore.Revocation;
using AuthCluster.Client.AspNetCore.Tokens;
using AuthCluster.Client.Clients;
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
        AddKeysClient(services);
        services.AddKeyedSingleton(scheme, (provider, _) => new IssuerKeys(
            options, provider.GetRequiredService<IHttpClientFactory>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<IssuerKeys>>()));
        if (options.Feed is { } feed)
            services.AddAuthClusterRevocationFeed(options.Client, feed);
        if (options.Introspection is { } introspection)
            services.AddAuthClusterIntrospection(options.Client, introspection);

        services.AddSingleton<IConfigureOptions<JwtBearerOptions>>(provider => new ConfigureNamedOptions<JwtBearerOptions>(scheme, bearer =>
        {
            var keys = provider.GetRequiredKeyedService<IssuerKeys>(scheme);
            var validator = new AccessTokenValidator(keys, NewCheck(provider, options), options.WhenUnknown, provider.GetRequiredService<ILogger<AccessTokenValidator>>());
            JwtBearerRules.Apply(bearer, options, validator, keys, provider.GetRequiredService<TimeProvider>());
        }));
        services.AddSingleton<IPostConfigureOptions<JwtBearerOptions>>(new PostConfigureOptions<JwtBearerOptions>(scheme, bearer => BearerAnswers.AddTo(bearer)));
        return builder.AddJwtBearer(scheme, _ => { });
    }

    /// <summary>
    /// Drops what <c>ConfigureHttpClientDefaults</c> gives to every client, as the client that gets tokens does. What the application configures
    /// under this name afterwards stays.
    /// </summary>
    private static void AddKeysClient(IServiceCollection services)
    {
        if (services.Any(service => service.IsKeyedService && service.ServiceType == typeof(IssuerKeys)))
            return; // for another scheme
        services.AddHttpClient(AuthClusterJwtOptions.KeysHttpClient)
            .ConfigureHttpClient(http =>
            {
                http.Timeout = Timeout.InfiniteTimeSpan; // each reading has its own bound
                http.BaseAddress = null;
                http.DefaultRequestHeaders.Clear();
                (http.DefaultRequestVersion, http.DefaultVersionPolicy) = (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
            })
            .ConfigureAdditionalHttpMessageHandlers((handlers, _) => handlers.Clear())
            // It follows no redirect: a redirect could lead to keys of somebody else.
            .ConfigurePrimaryHttpMessageHandler(() => OwnHandler.Create(connectTimeout: TimeSpan.FromSeconds(3)));
    }

    private static IRevocationCheck? NewCheck(IServiceProvider provider, AuthClusterJwtOptions options) => options switch
    {
        { Feed: not null } => new FeedCheck(provider.GetRequiredKeyedService<RevocationFeed>(options.Client)),
        { Introspection: not null } => new IntrospectionCheck(provider.GetRequiredKeyedService<TokenIntrospection>(options.Client)),
        _ => null,
    };
}
