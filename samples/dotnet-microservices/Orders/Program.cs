// Takes orders, and asks Inventory what is left before it does. Its secret comes from AuthCluster__ClientSecret.
using System.Collections.Concurrent;
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var auth = builder.Configuration.GetSection("AuthCluster");

// As a caller: tokens of this service's own client, on every request to Inventory.
builder.Services.AddAuthClusterTokens(auth);
builder.Services.AddHttpClient("inventory", http => http.BaseAddress = builder.Configuration.GetValue<Uri>("Inventory")).AddAuthClusterToken();

// As an API: tokens for its own audience, and none that has been revoked.
builder.Services.AddAuthorization();
builder.Services.AddAuthentication().AddAuthClusterJwt(jwt =>
{
    jwt.Issuer = auth["Issuer"] ?? "";
    jwt.Audience = "https://orders.sample";
    jwt.FollowRevocations(WhenUnknown.Refuse);
});

// While Inventory or the authorization server is away, the caller hears 503 and no stack trace.
builder.Services.AddProblemDetails();

var app = builder.Build();
app.UseExceptionHandler(new ExceptionHandlerOptions { StatusCodeSelector = e => e is HttpRequestException or AuthClusterException ? 503 : 500 });
var open = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);

app.MapPost("/orders/{article}", async (string article, IHttpClientFactory clients, CancellationToken cancellationToken) =>
{
    using var inventory = clients.CreateClient("inventory");
    var left = await inventory.GetFromJsonAsync<int>($"stock/{Uri.EscapeDataString(article)}", cancellationToken);
    return left > 0
        ? Results.Ok(new { article, ordered = open.AddOrUpdate(article, 1, (_, count) => count + 1) })
        : Results.Conflict(new { article, left });
}).RequireScope("orders:write");

app.MapGet("/orders/{article}", (string article) => open.GetValueOrDefault(article)).RequireScope("orders:read");

await app.RunAsync();
