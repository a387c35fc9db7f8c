using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>Clients that moved here from another server with the hash of their secret keep their secret.</summary>
[Collection(Alone.Name)]
public sealed class ImportedSecretTests
{
    private const string Secret = "moved here from another server";

    private static readonly byte[] Salt = Encoding.ASCII.GetBytes("sixteen bytes...");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_with_an_imported_hash_of_each_kind_gets_a_token_with_its_secret_and_with_no_other()
    {
        (TestClient Client, string Hash)[] imported =
        [
            (new("duende-sha256", Secret), Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Secret)))),
            (new("duende-sha512", Secret), Convert.ToBase64String(SHA512.HashData(Encoding.UTF8.GetBytes(Secret)))),
            (new("hydra", Secret), $"$pbkdf2-sha256$i=25000,l=32${Unpadded(Salt)}${Unpadded(Pbkdf2(25_000))}"),
            (new("identity", Secret), Identity(iterations: 100_000)),
            // Test vectors of jBCrypt and of the reference implementation of Argon2.
            (new("bcrypt", "abcdefghijklmnopqrstuvwxyz"), "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
            (new("argon2", "password"), "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        ];
        await using var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(
            imported.Select(one => ClientDocument.For(one.Client, new() { ["secretHash"] = one.Hash }))));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        foreach (var (client, _) in imported)
        {
            Expect.Refused(401, "invalid_client", await caller.PostAsync(client with { Secret = client.Secret + "!" }));
            Expect.Granted(await caller.PostAsync(client));
            Expect.Granted(await caller.BasicAsync(client));
        }
    }

    private static byte[] Pbkdf2(int iterations) => Rfc2898DeriveBytes.Pbkdf2(Secret, Salt, iterations, HashAlgorithmName.SHA256, 32);

    /// <summary>Version 3 of ASP.NET Core Identity's password hash: 0x01, function (1 is HMAC-SHA-256), rounds, salt length, salt, key.</summary>
    private static string Identity(int iterations)
    {
        Span<byte> blob = stackalloc byte[13 + 16 + 32];
        blob[0] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(blob[1..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(blob[5..], (uint)iterations);
        BinaryPrimitives.WriteUInt32BigEndian(blob[9..], (uint)Salt.Length);
        Salt.CopyTo(blob[13..]);
        Pbkdf2(iterations).CopyTo(blob[29..]);
        return Convert.ToBase64String(blob);
    }

    private static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');
}
