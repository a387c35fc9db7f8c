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

var app = builder.Build();
const int Bought = 3;

app.MapGet("/stock/{article}", async (string article, IHttpClientFactory clients, CancellationToken cancellationToken) =>
{
    using var orders = clients.CreateClient("orders");
    return Bought - await orders.GetFromJsonAsync<int>($"orders/{Uri.EscapeDataString(article)}", cancellationToken);
}).RequireScope("inventory:read");

await app.RunAsync();
