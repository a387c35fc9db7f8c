using System.Net;
using AuthCluster.Client.Clients;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Revocation;
using AuthCluster.Client.Tokens;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AuthCluster.Client;

/// <summary>Puts the SDK into an application's services.</summary>
public static class AuthClusterClientSetup
{
    /// <summary>More than any answer of the server has: a page of the feed is the longest.</summary>
    private const long MaxAnswerBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Registers a client that gets tokens: <see cref="IAccessTokenSource"/>, and what
    /// <see cref="AddAuthClusterToken"/> attaches to requests.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Server, client id and secret.</param>
    /// <returns>The builder of the HttpClient that speaks to the server, for a proxy or a client certificate.</returns>
    public static IHttpClientBuilder AddAuthClusterTokens(this IServiceCollection services, Action<AuthClusterTokenOptions> configure) =>
        services.AddAuthClusterTokens("", configure);

    /// <summary>Registers a client whose options are bound from a section, and read again when the configuration is reloaded.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="section">The section that has <c>Issuer</c>, <c>ClientId</c>, <c>ClientSecret</c> or <c>ClientSecretFile</c>.</param>
    /// <returns>The builder of the HttpClient that speaks to the server.</returns>
    public static IHttpClientBuilder AddAuthClusterTokens(this IServiceCollection services, IConfiguration section) =>
        services.AddAuthClusterTokens("", section);

    /// <summary>Registers a further client under a name: its <see cref="IAccessTokenSource"/> is a keyed service of that name.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The name.</param>
    /// <param name="section">The section that has its options.</param>
    /// <returns>The builder of the HttpClient that speaks to the server.</returns>
    public static IHttpClientBuilder AddAuthClusterTokens(this IServiceCollection services, string name, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        services.AddSingleton<IOptionsChangeTokenSource<AuthClusterTokenOptions>>(new ConfigurationChangeTokenSource<AuthClusterTokenOptions>(name, section));
        return services.AddAuthClusterTokens(name, options => section.Bind(options));
    }

    /// <summary>Registers a further client under a name: its <see cref="IAccessTokenSource"/> is a keyed service of that name.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The name.</param>
    /// <param name="configure">Server, client id and secret.</param>
    /// <returns>The builder of the HttpClient that speaks to the server.</returns>
    public static IHttpClientBuilder AddAuthClusterTokens(this IServiceCollection services, string name, Action<AuthClusterTokenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(configure);

        services.AddOptions<AuthClusterTokenOptions>(name).Configure(configure).ValidateOnStart();
        var client = services.AddHttpClient(AuthorizationServer.HttpClientName(name));
        if (services.Any(service => service.ServiceType == typeof(AuthorizationServer) && name.Equals(service.ServiceKey)))
            return client; // named twice: the second call only adds to the options

        AddShared(services);
        services.AddKeyedSingleton(name, (provider, _) => new AuthorizationServer(
            name,
            provider.GetRequiredService<IHttpClientFactory>(),
            provider.GetRequiredService<IOptionsMonitor<AuthClusterTokenOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<AuthorizationServer>>()));
        services.AddKeyedSingleton<IAccessTokenSource>(name, (provider, _) => NewSource(provider, name));
        if (name.Length == 0)
            services.TryAddSingleton(provider => provider.GetRequiredKeyedService<IAccessTokenSource>(name));
        return Configure(client);
    }

    /// <summary>
    /// Puts a token on this client's requests, and repeats a request once with a new token when the API answers 401
    /// <c>invalid_token</c>.
    /// </summary>
    /// <param name="builder">The client.</param>
    /// <param name="configure">Scope, audience, and which registered client the token is of.</param>
    /// <returns>The same builder.</returns>
    public static IHttpClientBuilder AddAuthClusterToken(this IHttpClientBuilder builder, Action<AccessTokenHandlerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new AccessTokenHandlerOptions();
        configure?.Invoke(options);
        // Innermost, around the primary handler: the factory's own log, which at Trace has the headers with their values,
        // does not see the token, and each attempt of a resilience handler has the present one, in whatever order they were added.
        builder.Services.PostConfigure<HttpClientFactoryOptions>(builder.Name, http => http.HttpMessageHandlerBuilderActions.Add(chain =>
            chain.PrimaryHandler = new AccessTokenHandler(
                chain.Services.GetRequiredKeyedService<IAccessTokenSource>(options.Source), options, chain.Services.GetRequiredService<ILogger<AccessTokenHandler>>())
            {
                InnerHandler = chain.PrimaryHandler,
            }));
        return builder;
    }

    /// <summary>
    /// Follows the server's revocation feed in the background, for an API: <see cref="RevocationFeed"/> as a keyed
    /// service. The client of that name must be registered with <c>AddAuthClusterTokens</c> and have an issuer.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The registered client's name.</param>
    /// <param name="options">How the feed is followed.</param>
    public static IServiceCollection AddAuthClusterRevocationFeed(this IServiceCollection services, string name, RevocationFeedOptions options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        if (options.PollWait < TimeSpan.FromSeconds(1) || options.PollWait > TimeSpan.FromSeconds(30))
            throw new ArgumentException("PollWait: out of range; 00:00:01 to 00:00:30.", nameof(options));
        if (options.MaxAge < options.PollWait * 2)
            throw new ArgumentException("MaxAge: out of range; at least twice PollWait.", nameof(options));

        AddShared(services);
        if (services.Any(service => service.IsKeyedService && service.ServiceType == typeof(RevocationFeed) && Equals(service.ServiceKey, name)))
            return services; // one feed serves every scheme, and has one follower
        services.AddKeyedSingleton(name, (provider, _) => new RevocationFeed(
            provider.GetRequiredKeyedService<AuthorizationServer>(name),
            options,
            provider.GetRequiredService<RevocationMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RevocationFeed>>()));
        return services.AddSingleton<IHostedService>(provider => new RevocationFeedFollower(provider.GetRequiredKeyedService<RevocationFeed>(name)));
    }

    /// <summary>
    /// Asks the server about tokens, for an API: <see cref="TokenIntrospection"/> as a keyed service. The client of that
    /// name must be registered with <c>AddAuthClusterTokens</c> and have an issuer.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The registered client's name.</param>
    /// <param name="options">Cache and time-out.</param>
    public static IServiceCollection AddAuthClusterIntrospection(this IServiceCollection services, string name, IntrospectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        if (options.CacheFor < TimeSpan.Zero || options.CacheFor > TimeSpan.FromMinutes(5))
            throw new ArgumentException("CacheFor: out of range; 00:00:00 to 00:05:00.", nameof(options));
        if (options.Timeout < TimeSpan.FromMilliseconds(100) || options.Timeout > TimeSpan.FromSeconds(30))
            throw new ArgumentException("Timeout: out of range; 00:00:00.1 to 00:00:30.", nameof(options));

        AddShared(services);
        return services.AddKeyedSingleton(name, (provider, _) => new TokenIntrospection(
            provider.GetRequiredKeyedService<AuthorizationServer>(name),
            options,
            provider.GetRequiredService<RevocationMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TokenIntrospection>>()));
    }

    private static void AddShared(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ClientMetrics>();
        services.TryAddSingleton<RevocationMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuthClusterTokenOptions>, AuthClusterTokenOptionsValidator>());
    }

    private static AccessTokenSource NewSource(IServiceProvider provider, string name)
    {
        var clock = provider.GetRequiredService<TimeProvider>();
        var requester = new TokenRequester(
            provider.GetRequiredKeyedService<AuthorizationServer>(name), provider.GetRequiredService<ClientMetrics>(), clock, provider.GetRequiredService<ILogger<TokenRequester>>());
        return new AccessTokenSource(requester, clock, provider.GetRequiredService<ILogger<AccessTokenSource>>());
    }

    /// <summary>
    /// Drops what <c>ConfigureHttpClientDefaults</c> gives to every client: time-outs, retries, headers and name resolution for API calls would
    /// cut long polls off and multiply our own retries. What the application sets on the returned builder is applied afterwards, and stays.
    /// </summary>
    private static IHttpClientBuilder Configure(IHttpClientBuilder client) => client
        .ConfigureHttpClient(http =>
        {
            http.Timeout = Timeout.InfiniteTimeSpan; // each attempt has its own
            http.MaxResponseContentBufferSize = MaxAnswerBytes;
            http.BaseAddress = null;
            http.DefaultRequestHeaders.Clear();
            (http.DefaultRequestVersion, http.DefaultVersionPolicy) = (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
        })
        .RemoveAllLoggers() // they would write the secret's header at Trace; this library logs its requests itself
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        .ConfigureAdditionalHttpMessageHandlers((handlers, _) => handlers.Clear())
        .ConfigurePrimaryHttpMessageHandler(() => OwnHandler.Create(connectTimeout: TimeSpan.FromSeconds(5)));
}
