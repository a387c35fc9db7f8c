// Knows what is in stock, and asks Orders how much of it is taken. Its secret comes from AuthCluster__ClientSecret.
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var auth = builder.Configuration.GetSection("AuthCluster");

builder.Services.AddAuthClusterTokens(auth);
builder.Services.AddHttpClient("orders", http => http.BaseAddress = builder.Configuration.GetValue<Uri>("Orders")).AddAuthClusterToken();

builder.Services.AddAuthorization();
builder.Services.AddAuthentication().AddAuthClusterJwt(jwt =>
{
    jwt.Issuer = auth["Issuer"] ?? "";
    jwt.Audience = "https://inventory.sample";
    jwt.FollowRevocations(WhenUnknown.Refuse);
});

// While Orders or the authorization server is away, the caller hears 503 and no stack trace.
builder.Services.AddProblemDetails();

var app = builder.Build();
app.UseExceptionHandler(new ExceptionHandlerOptions { StatusCodeSelector = e => e is HttpRequestException or AuthClusterException ? 503 : 500 });
const int Bought = 3;

app.MapGet("/stock/{article}", async (string article, IHttpClientFactory clients, CancellationToken cancellationToken) =>
{
    using var orders = clients.CreateClient("orders");
    return Bought - await orders.GetFromJsonAsync<int>($"orders/{Uri.EscapeDataString(article)}", cancellationToken);
}).RequireScope("inventory:read");

await app.RunAsync();
