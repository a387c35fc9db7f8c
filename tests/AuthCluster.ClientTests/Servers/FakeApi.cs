using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.ClientTests.Servers;

/// <summary>An API over real HTTP that records what it gets and refuses the tokens that a test names.</summary>
internal sealed class FakeApi(WebApplication app) : IAsyncDisposable
{
    public Uri Address => new(app.Urls.First());

    public ConcurrentQueue<(string? Token, string Body)> Requests { get; } = new();

    public ConcurrentDictionary<string, bool> Refused { get; } = new(StringComparer.Ordinal);

    public bool RefusesAll { get; set; }

    /// <summary>Where it redirects its callers instead of answering.</summary>
    public Uri? RedirectsTo { get; set; }

    public string Challenge { get; set; } = "Bearer realm=\"api, with comma\", error=\"invalid_token\", error_description=\"revoked\"";

    public static async Task<FakeApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var api = new FakeApi(app);
        app.Run(api.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return api;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith("Bearer ", StringComparison.Ordinal) ? header["Bearer ".Length..] : header;
        Requests.Enqueue((token, body));
        if (RedirectsTo is { } other)
        {
            context.Response.Redirect(other.ToString(), permanent: false, preserveMethod: true);
            return;
        }

        if (!RefusesAll && !Refused.ContainsKey(token))
            return;
        context.Response.StatusCode = 401;
        context.Response.Headers.WWWAuthenticate = Challenge;
    }
}
