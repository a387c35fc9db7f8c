using System.Collections.Concurrent;
using AuthCluster.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>
/// A token endpoint that is overloaded at first, and an API that refuses the first token that it sees. Real servers do this once a year.
/// </summary>
internal sealed class TroubledServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<int> _tokenAnswers = new();
    private int _tokens;

    private TroubledServer(WebApplication app, Uri address)
    {
        _app = app;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>The status of each answer of the token endpoint.</summary>
    public IReadOnlyCollection<int> TokenAnswers => _tokenAnswers;

    public static async Task<TroubledServer> StartAsync()
    {
        var address = new Uri($"http://localhost:{FreePorts.Take()}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.ToString());
        var server = new TroubledServer(builder.Build(), address);
        server._app.MapPost("/oauth/token", server.Token);
        server._app.MapPost("/lasting/{lifetime}/oauth/token", TokenLasting);
        server._app.MapPost("/away/{retryAfter}/oauth/token", server.TokenAfter);
        server._app.MapGet("/resources", Resources);
        await server._app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private IResult Token(HttpContext context)
    {
        if (_tokenAnswers.IsEmpty)
        {
            _tokenAnswers.Enqueue(503);
            context.Response.Headers.RetryAfter = "1";
            return Results.Json(new { error = "temporarily_unavailable" }, statusCode: 503);
        }

        _tokenAnswers.Enqueue(200);
        return Results.Json(new { access_token = $"token-{Interlocked.Increment(ref _tokens)}", token_type = "Bearer", expires_in = 3600, scope = "read" });
    }

    /// <summary>A token with the lifetime that the issuer's address names, as JSON; <c>unsaid</c> means a token without a lifetime.</summary>
    private static IResult TokenLasting(string lifetime) =>
        Results.Text($$"""{"access_token":"token-2","token_type":"Bearer"{{(lifetime == "unsaid" ? "" : $",\"expires_in\":{lifetime}")}}}""", "application/json");

    /// <summary>The first answer is a refusal with the Retry-After that the issuer's address names, each later answer is a token.</summary>
    private IResult TokenAfter(string retryAfter, HttpContext context)
    {
        if (!_tokenAnswers.IsEmpty)
        {
            return TokenLasting("3600");
        }

        _tokenAnswers.Enqueue(429);
        context.Response.Headers.RetryAfter = retryAfter;
        return Results.Json(new { error = "slow_down" }, statusCode: 429);
    }

    private static IResult Resources(HttpContext context)
    {
        if (context.Request.Headers.Authorization != "Bearer token-1")
        {
            return Results.Json(new[] { "Resource 1", "Resource 2", "Resource 3" });
        }

        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return Results.StatusCode(401);
    }
}
