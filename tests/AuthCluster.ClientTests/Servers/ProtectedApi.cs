using System.Net.Http.Headers;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AuthCluster.ClientTests.Servers;

/// <summary>An API that the SDK protects, over real HTTP: <c>/any</c> for every good token, <c>/read</c> and <c>/admin</c> by scope.</summary>
internal sealed class ProtectedApi(WebApplication app, HttpClient http) : IAsyncDisposable
{
    public const string Audience = "https://api.example";

    public IServiceProvider Services => app.Services;

    public static async Task<ProtectedApi> StartAsync(
        TimeProvider clock, FakeIssuer issuer, Action<AuthClusterJwtOptions>? change = null, Action<IHttpClientBuilder>? client = null, Action<IServiceCollection>? services = null, Action<IServiceCollection>? before = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddFakeLogging();
        builder.Services.AddSingleton(clock);
        before?.Invoke(builder.Services);
        var tokens = builder.Services.AddAuthClusterTokens(options => (options.Issuer, options.ClientId, options.ClientSecret) = (issuer.Issuer, FakeIssuer.ClientId, issuer.Secret));
        client?.Invoke(tokens);
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication().AddAuthClusterJwt(options =>
        {
            (options.Issuer, options.Audience) = (issuer.Issuer, Audience);
            change?.Invoke(options);
        });
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapGet("/any", () => "ok").RequireAuthorization();
        app.MapGet("/who", (System.Security.Claims.ClaimsPrincipal user) => $"{user.Identity?.Name} {user.HasScope("read")} {user.HasScope("admin")}").RequireAuthorization();
        app.MapGet("/read", () => "ok").RequireScope("read");
        app.MapGet("/admin", () => "ok").RequireScope("read", "admin");
        app.MapGet("/open", () => "ok");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ProtectedApi(app, new HttpClient { BaseAddress = new Uri(app.Urls.First()) });
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<int> StatusAsync(string token, string path = "/any")
    {
        using var response = await GetAsync(path, token);
        return (int)response.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
