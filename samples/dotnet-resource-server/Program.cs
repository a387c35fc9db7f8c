// The API that the other samples call. Its secret, for the revocation feed alone, comes from AuthCluster__ClientSecret.
using AuthCluster.Client;
using AuthCluster.Client.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
var auth = builder.Configuration.GetSection("AuthCluster");

builder.Services.AddAuthClusterTokens(auth);
builder.Services.AddAuthorization();
builder.Services.AddAuthentication().AddAuthClusterJwt(jwt =>
{
    jwt.Issuer = auth["Issuer"] ?? "";
    jwt.Audience = "https://resources.sample";
    jwt.FollowRevocations(WhenUnknown.Refuse);
});

var app = builder.Build();
app.MapGet("/resources", () => new[] { "Resource 1", "Resource 2", "Resource 3" }).RequireScope("read");
app.MapPost("/resources", (string[] names) => Results.Ok(new { stored = names.Length })).RequireScope("write");
await app.RunAsync();
