using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using AuthCluster.Client;
using AuthCluster.Client.Tokens;
using AuthCluster.TestKit.OAuth;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>An application that gets its tokens by the SDK, and calls an API with them.</summary>
internal sealed class SdkApplication : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly AttemptRecorder _recorder = new();

    public SdkApplication(string issuer, TestClient client, TimeProvider? clock = null, Uri? api = null, Action<AuthClusterTokenOptions>? change = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(clock ?? TimeProvider.System);
        services.AddLogging();
        services.AddAuthClusterTokens(options =>
        {
            (options.Issuer, options.ClientId, options.ClientSecret) = (issuer, client.Id, client.Secret);
            change?.Invoke(options);
        }).AddHttpMessageHandler(() => new RecordingHandler(_recorder));
        services.AddHttpClient("api", http => http.BaseAddress = api)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { MaxConnectionsPerServer = 64, UseProxy = false })
            .AddAuthClusterToken();
        _services = services.BuildServiceProvider();
    }

    public IAccessTokenSource Tokens => _services.GetRequiredService<IAccessTokenSource>();

    /// <summary>Every token request that was sent, repeats included, in the order of the answers.</summary>
    public IReadOnlyCollection<Attempt> Attempts => _recorder.Attempts;

    /// <summary>Calls the API and returns its status.</summary>
    public async Task<int> CallAsync()
    {
        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient("api");
        using var answer = await http.GetAsync("/", TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }

    public ValueTask<AccessToken> TokenAsync() => Tokens.GetTokenAsync(cancellationToken: TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private sealed class AttemptRecorder
    {
        public ConcurrentQueue<Attempt> Attempts { get; } = new();
    }

    /// <summary>The innermost handler: it sees each attempt, because the SDK repeats in an outer one.</summary>
    private sealed class RecordingHandler(AttemptRecorder recorder) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var sent = Stopwatch.GetTimestamp();
            var response = await base.SendAsync(request, cancellationToken);
            if (request.Method == HttpMethod.Post)
            {
                recorder.Attempts.Enqueue(new Attempt(response.StatusCode, response.Headers.RetryAfter?.Delta, sent, Stopwatch.GetTimestamp()));
            }

            return response;
        }
    }
}

/// <summary>One token request on the wire.</summary>
internal sealed record Attempt(HttpStatusCode Status, TimeSpan? RetryAfter, long Sent, long Answered);
