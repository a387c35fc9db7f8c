using AuthCluster.Client;
using AuthCluster.Client.Introspection;
using AuthCluster.Client.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace AuthCluster.ClientTests.Servers;

/// <summary>An application that uses the SDK: its services, its clock, and all that it logs.</summary>
internal sealed class SdkHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public SdkHost(TestClock clock, Action<IServiceCollection> configure)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(clock);
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddFakeLogging());
        configure(services);
        _services = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    public IServiceProvider Services => _services;

    public IAccessTokenSource Tokens => _services.GetRequiredService<IAccessTokenSource>();

    public TokenIntrospection Introspection => _services.GetRequiredKeyedService<TokenIntrospection>("");

    public FakeLogCollector Log => _services.GetFakeLogCollector();

    public static SdkHost ForTokens(TestClock clock, FakeIssuer issuer, Action<AuthClusterTokenOptions>? change = null) =>
        new(clock, services => AddTokens(services, issuer, change));

    public static SdkHost ForIntrospection(TestClock clock, FakeIssuer issuer, IntrospectionOptions? introspection = null, Action<AuthClusterTokenOptions>? change = null) =>
        new(clock, services =>
        {
            AddTokens(services, issuer, change);
            services.AddAuthClusterIntrospection("", introspection ?? new IntrospectionOptions());
        });

    /// <summary>Waits until as many log lines begin with the text.</summary>
    public async Task LoggedAsync(string text, int times)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        while (Log.GetSnapshot().Count(line => line.Message.StartsWith(text, StringComparison.Ordinal)) < times)
        {
            if (deadline.IsCancellationRequested)
                Assert.Fail($"'{text}' was logged fewer than {times} times:\n{string.Join('\n', Log.GetSnapshot().Select(line => line.Message))}");
            await Task.Yield();
        }
    }

    /// <summary>Waits until no token request is under way in the background.</summary>
    public async Task QuietAsync()
    {
        var source = (AccessTokenSource)Tokens;
        while (source.IsRenewing)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public HttpClient Http(string name) => _services.GetRequiredService<IHttpClientFactory>().CreateClient(name);

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();

    private static void AddTokens(IServiceCollection services, FakeIssuer issuer, Action<AuthClusterTokenOptions>? change) => services.AddAuthClusterTokens(options =>
    {
        options.Issuer = issuer.Issuer;
        options.ClientId = FakeIssuer.ClientId;
        options.ClientSecret = issuer.Secret;
        change?.Invoke(options);
    });
}
