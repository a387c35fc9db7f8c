using System.Security.Cryptography;
using System.Text;
using AuthCluster.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Benchmarks.Load;

/// <summary>The floor of the comparison: a minimal API that does what any token server in ASP.NET must do, and nothing else.</summary>
/// <remarks>
/// It has one hard-coded client, reads the form, hashes and compares the secret, makes an ES256 token by the usual library, and writes JSON.
/// </remarks>
internal static class FloorServer
{
    /// <summary>The one client that it knows.</summary>
    public static readonly (string Id, string Secret) Client = ("floor", GeneratedSecret.Of(new byte[32]));

    /// <summary>Serves until it is told to stop.</summary>
    public static async Task<int> RunAsync(string[] options)
    {
        var builder = WebApplication.CreateSlimBuilder(options);
        builder.Logging.ClearProviders();
        var app = builder.Build();

        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(Client.Secret));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var credentials = new SigningCredentials(new ECDsaSecurityKey(key) { KeyId = "floor" }, SecurityAlgorithms.EcdsaSha256);
        var handler = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false };
        app.MapGet("/health/ready", () => "ready");
        app.MapPost("/oauth/token", async (HttpContext context) =>
        {
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            var presented = SHA256.HashData(Encoding.UTF8.GetBytes(form["client_secret"].ToString()));
            if (form["grant_type"] != "client_credentials" || form["client_id"] != Client.Id || !CryptographicOperations.FixedTimeEquals(presented, digest))
            {
                return Results.Json(new { error = "invalid_client" }, statusCode: 401);
            }

            var now = DateTime.UtcNow;
            var token = handler.CreateToken(new SecurityTokenDescriptor
            {
                TokenType = "at+jwt",
                Issuer = "http://localhost:8080",
                Audience = "http://localhost:8080",
                IssuedAt = now,
                Expires = now.AddHours(1),
                SigningCredentials = credentials,
                Claims = new Dictionary<string, object>
                {
                    ["sub"] = Client.Id,
                    ["client_id"] = Client.Id,
                    ["scope"] = "read write",
                    ["jti"] = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)),
                },
            });
            context.Response.Headers.CacheControl = "no-store";
            return Results.Json(new { access_token = token, token_type = "Bearer", expires_in = 3600, scope = "read write" });
        });
        await app.RunAsync();
        return 0;
    }
}
