using System.Net.Http.Headers;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AuthCluster.EndToEndTests.Sdk;

/// <summary>An API that validates tokens by the SDK's one line, over real HTTP.</summary>
internal sealed class GuardedApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private GuardedApi(WebApplication app, Uri address)
    {
        _app = app;
        Address = address;
        _http = new HttpClient { BaseAddress = address };
    }

    public Uri Address { get; }

    /// <summary>Starts an API that follows the feed, unless <paramref name="choose"/> says otherwise.</summary>
    public static async Task<GuardedApi> StartAsync(string issuer, Action<AuthClusterJwtOptions>? choose = null, TimeProvider? clock = null, TestClient? client = null)
    {
        var address = new Uri($"http://localhost:{FreePorts.Take()}");
        var own = client ?? SdkServer.Api;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.ToString());
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        builder.Services.AddAuthClusterTokens(options => (options.Issuer, options.ClientId, options.ClientSecret) = (issuer, own.Id, own.Secret));
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication().AddAuthClusterJwt(jwt =>
        {
            (jwt.Issuer, jwt.Audience) = (issuer, SdkServer.Audience);
            (choose ?? (options => options.FollowRevocations(WhenUnknown.Refuse)))(jwt);
        });
        var app = builder.Build();
        app.MapGet("/", () => "ok").RequireScope("read");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new GuardedApi(app, address);
    }

    /// <summary>The status of a call with a token.</summary>
    public async Task<int> StatusAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
