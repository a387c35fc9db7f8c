using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.AdminTests.Secrets;

/// <summary>
/// Clients that are brought over from another server with the hash of their secret. Each vector was made once by the server that it
/// stands for, or by an independent library, as its name says.
/// </summary>
[Collection(OnAdminServer.Name)]
public sealed class ImportedSecretTests(AdminServer server)
{
    private const string Strong = "moved here from another server 2026";
    private const string Weak = "weak but given one";
    private static int _ids;

    [Theory]
    // Python's hashlib.pbkdf2_hmac in the form of Hydra's hasher; "test" is the vector of Hydra's own tests.
    [InlineData("Hydra, SHA-256", Strong, "$pbkdf2-sha256$i=25000,l=32$ymtcTscJgPwNh9PaN7XZqj4DykWdGqt4gk0OoQmDJtM$uuUgHRvI1zbgP0Xl/6bZEbTdPPWNlCxH0nEzx9i9mZ4")]
    [InlineData("Hydra, SHA-512", Strong, "$pbkdf2-sha512$i=25000,l=32$omt7zsDDLe5ZeeRw/LvhLsCMx7fwT5G3Y5QzoMZjhcw$CI6ntnpkIdMIlejPJqIfJZ8i/S8qWaL+v1/ye8kGPig")]
    [InlineData("Hydra's test", "test", "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI")]
    // OpenIddictApplicationManager of OpenIddict.Core 7.8.
    [InlineData("OpenIddict", Strong, "AQAAAAEAACcQAAAAENKAuPhRqxO+42wXWxBTwOWWEFskc1e77W1iHn9B8LcmWSIZbQAGUugquM6y1GVWeQ==")]
    [InlineData("OpenIddict, weak", Weak, "AQAAAAEAACcQAAAAEP4flg+8ndYqPARiZtEbPzr1fQi+CIYvH4AXLpRW7ca+mXLETphNF93VbpjaErJk0w==")]
    // PasswordHasher of ASP.NET Core Identity 10, version 3 and compatible with version 2.
    [InlineData("Identity 3", Strong, "AQAAAAIAAYagAAAAEItUgIt2eaM1bEzuuubIPCSuklbXv0DQnzaj0DdVyC1RC9g3wNa1vW7UF+ibWVXB6Q==")]
    [InlineData("Identity 3, weak", Weak, "AQAAAAIAAYagAAAAEMmubhMfAlkUY3QpJynTd6cKncpy98qAZILpvECeZGSrOshu0Qy6g77UVAetKU5pBw==")]
    [InlineData("Identity 2", Strong, "AOskiCWS+vtn2XFSOvOaLXzJyrMmrkUbdpH8kXHglTRLm4vseYQnU8sj/l2mUrA6PA==")]
    // Duende's HashedSharedSecretValidator compares base64 of SHA-256 or SHA-512: Python's hashlib.
    [InlineData("Duende, SHA-256", Strong, "Qtd0S4mr89w2WqRcP21CscalE/G1++JEmtK2oHbpZG4=")]
    [InlineData("Duende, SHA-512", Strong, "X7DZwtAqZJAbX/Lq3Nlh48ewE03RaXFb+bvgQp48d32fmUr1dkiKds9k593ojJRmEw9fUDhARupfDH1utyD4Qw==")]
    [InlineData("Duende, SHA-512, weak", Weak, "EE4q+763vQ6eV7MQRHW3F1DLX4eknsFEMxLHJu5BNkc18dqDOPN/21VaXlBF4mkXVRuPoU8WXmlZrjkf9FdVPA==")]
    // Python's passlib, bcrypt and Apache's htpasswd.
    [InlineData("bcrypt 2a", Strong, "$2a$10$iH6w5nXmw0VL5iOo85rJkeWdxJq6dvWllFeVo1thuP/wj38ZwTliy")]
    [InlineData("bcrypt 2b of passlib", Strong, "$2b$10$8k7hxVa0vTDJjuS2B6y3/.fux/HeRTWXyEFVByRKhqCRNLaff.Pe2")]
    [InlineData("bcrypt 2b of bcrypt", Strong, "$2b$10$4/uwbc6Qu0JfASWp4opUuuHhdTOMH0SPAF5foJZTROfhARGG6h65W")]
    [InlineData("bcrypt 2y of passlib", Strong, "$2y$10$4nk3fLTcK1GNVQhG767SBeWHI.6SyjnMoAJQVmwU8B8.z0f0XRKzK")]
    [InlineData("bcrypt 2y of htpasswd", Strong, "$2y$10$5TdKG3kSGUodCf5Po4L2mu.q7Y.sF.nO1dCNQAKsZeoDq7EXt5nYC")]
    [InlineData("bcrypt 2b, weak", Weak, "$2b$06$nIk2QZJ3jrw.Ynx4bgXAweFpFqzx7pN2YVyk8TEx6oeA/4IX2Vi3m")]
    // Python's argon2-cffi, by passlib.
    [InlineData("Argon2id", Strong, "$argon2id$v=19$m=19456,t=2,p=1$1nqvFUJobU3JmbMWwnivFQ$xQ9IEOeYIa6dlfijooDSlQ")]
    [InlineData("Argon2id, two lanes, weak", Weak, "$argon2id$v=19$m=8192,t=1,p=2$dg5hjFGKMcaYcw6h9B4DQA$ZkCwfgaPJri04UfdK6Hrsg")]
    public async Task An_imported_hash_lets_in_its_secret_and_no_other(string from, string secret, string hash)
    {
        var admin = await server.CallerAsync();
        var client = new TestClient($"import-{Interlocked.Increment(ref _ids)}", secret);

        var (_, created) = await admin.CreateAsync(client.Id, new JsonObject { ["name"] = from, ["secretHash"] = hash });

        Assert.Null(created.Json["secret"]);
        Assert.Equal("imported", (await admin.GetAsync($"/clients/{client.Id}/secrets")).Items[0]!["kind"]!.GetValue<string>());
        Assert.Equal(401, (await server.TryTokenAsync(client with { Secret = secret + "!" })).Status);
        Assert.Equal(401, (await server.TryTokenAsync(client with { Secret = hash })).Status);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
        Assert.Equal(401, (await server.TryTokenAsync(client with { Secret = secret[1..] })).Status);
        Assert.Equal(200, (await server.TryTokenAsync(client)).Status);
    }

    [Fact]
    public async Task Several_imported_secrets_of_one_client_all_work()
    {
        var admin = await server.CallerAsync();
        await admin.CreateAsync("several-imports", new JsonObject
        {
            ["secrets"] = new JsonArray(
                new JsonObject { ["secretHash"] = "$2b$06$nIk2QZJ3jrw.Ynx4bgXAweFpFqzx7pN2YVyk8TEx6oeA/4IX2Vi3m", ["label"] = "weak" },
                new JsonObject { ["secretHash"] = "Qtd0S4mr89w2WqRcP21CscalE/G1++JEmtK2oHbpZG4=", ["label"] = "strong" },
                new JsonObject { ["secret"] = "Keycloak keeps its secrets in clear", ["label"] = "clear" }),
        });

        foreach (var secret in (string[])[Weak, Strong, "Keycloak keeps its secrets in clear"])
        {
            Assert.Equal(200, (await server.TryTokenAsync(new TestClient("several-imports", secret))).Status);
        }

        Assert.Equal(401, (await server.TryTokenAsync(new TestClient("several-imports", "none of the three of them"))).Status);
    }
}
