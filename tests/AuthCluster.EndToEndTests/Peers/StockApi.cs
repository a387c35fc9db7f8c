using AuthCluster.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>An API as its developers would write it: ASP.NET's own JwtBearer handler, configured with the metadata URL alone.</summary>
public sealed class StockApi : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StockApi(WebApplication app, Uri address)
    {
        _app = app;
        Address = address;
    }

    /// <summary>Where it listens. Every path answers a small JSON document to a caller with a good token.</summary>
    public Uri Address { get; }

    /// <summary>Starts the API of <paramref name="audience"/>.</summary>
    public static async Task<StockApi> StartAsync(Uri metadata, string audience)
    {
        var address = new Uri($"http://localhost:{FreePorts.Take()}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.ToString());
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication().AddJwtBearer(options =>
        {
            options.MetadataAddress = metadata.ToString();
            options.RequireHttpsMetadata = false;
            options.MapInboundClaims = false;
            options.Audience = audience;
            options.TokenValidationParameters.ValidTypes = ["at+jwt"];
        });
        var app = builder.Build();
        app.MapGet("/{**path}", (HttpContext context) => new { path = context.Request.Path.Value, caller = context.User.FindFirst("client_id")?.Value })
            .RequireAuthorization();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new StockApi(app, address);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
