using System.Security.Cryptography;
using System.Text;
using AuthCluster.Protocol.Clients;
using CsCheck;

namespace AuthCluster.UnitTests.Clients;

/// <summary>Hashes of secrets as other servers stored them. The vectors come from the tests of those servers and from Python's hashlib.</summary>
public sealed class ImportedSecretHashTests
{
    private const string HydraSha256 = "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI";
    private const string HydraSha512 = "$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc";
    private const string IdentityVersion2 = "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==";
    private const string Bcrypt = "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6";
    private const string Argon2 = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw";

    [Theory]
    [InlineData(HydraSha256, "test", SecretHashAlgorithm.Pbkdf2Sha256, 100_000)]
    [InlineData(HydraSha512, "test", SecretHashAlgorithm.Pbkdf2Sha512, 100_000)]
    [InlineData(IdentityVersion2, "my password", SecretHashAlgorithm.Pbkdf2Sha1, 1_000)]
    [InlineData("AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", "my password", SecretHashAlgorithm.Pbkdf2Sha1, 1_000)]
    [InlineData("AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==", "my password", SecretHashAlgorithm.Pbkdf2Sha256, 10_000)]
    [InlineData("AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", "my password", SecretHashAlgorithm.Pbkdf2Sha512, 50)]
    [InlineData("AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==", "my password", SecretHashAlgorithm.Pbkdf2Sha512, 250)]
    [InlineData("AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M", "my password", SecretHashAlgorithm.Pbkdf2Sha1, 250)]
    [InlineData("AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=", "my password", SecretHashAlgorithm.Pbkdf2Sha256, 250_000)]
    public void A_PBKDF2_hash_of_Hydra_Identity_or_OpenIddict_gives_what_its_secret_derives(string text, string secret, SecretHashAlgorithm algorithm, int iterations)
    {
        var hash = Read(text);

        Assert.Equal(algorithm, hash.Algorithm);
        Assert.Equal(iterations, hash.Iterations);
        var name = algorithm switch
        {
            SecretHashAlgorithm.Pbkdf2Sha1 => HashAlgorithmName.SHA1,
            SecretHashAlgorithm.Pbkdf2Sha256 => HashAlgorithmName.SHA256,
            _ => HashAlgorithmName.SHA512,
        };
#pragma warning disable CA5379 // The weak function is what ASP.NET Identity's version 2 stored.
        Assert.Equal(hash.Expected, Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), hash.Salt.AsSpan(), hash.Iterations, name, hash.Expected.Length));
#pragma warning restore CA5379
    }

    [Theory]
    [InlineData("aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A=", SecretHashAlgorithm.Sha256)]
    [InlineData("UBSLoK0FdX53hXpWGD2AUw4q/HjkQOJmLVqAnY0VQ5DWMZvbvYw68JRyTPW1GoZKKN4q6fWsKLnPTODlrMENxQ==", SecretHashAlgorithm.Sha512)]
    public void A_plain_SHA_in_base64_is_the_digest(string text, SecretHashAlgorithm algorithm)
    {
        var hash = Read(text);

        Assert.Equal(algorithm, hash.Algorithm);
        Assert.Empty(hash.Salt);
        var secret = "a-secret-of-sixteen"u8;
        Assert.Equal(hash.Expected, algorithm == SecretHashAlgorithm.Sha256 ? SHA256.HashData(secret) : SHA512.HashData(secret));
    }

    [Theory]
    [InlineData(Bcrypt, 12)]
    [InlineData("$2b$04$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6", 4)]
    [InlineData("$2y$15$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6", 15)]
    public void A_bcrypt_hash_keeps_its_text(string text, int cost)
    {
        var hash = Read(text);

        Assert.Equal(SecretHashAlgorithm.Bcrypt, hash.Algorithm);
        Assert.Equal(cost, hash.Iterations);
        Assert.Equal(text[..29], Encoding.ASCII.GetString([.. hash.Salt]));
        Assert.Equal(text, Encoding.ASCII.GetString([.. hash.Expected]));
    }

    [Fact]
    public void An_Argon2id_hash_is_taken_apart()
    {
        var hash = Read(Argon2);

        Assert.Equal(SecretHashAlgorithm.Argon2id, hash.Algorithm);
        Assert.Equal((2, 32, 4), (hash.Iterations, hash.MemoryKib, hash.Parallelism));
        Assert.Equal("roxbtU9ncg1sqQ8m"u8, hash.Salt.AsSpan());
        Assert.Equal("30DCE4E41B51DAF521AE9EAA4048D137", Convert.ToHexString([.. hash.Expected]));
    }

    public static TheoryData<string> OutOfBounds { get; } =
    [
        HydraSha256.Replace("i=100000", "i=2000001", StringComparison.Ordinal),
        HydraSha256.Replace("i=100000", "i=0", StringComparison.Ordinal),
        HydraSha256.Replace("i=100000", "i=99999999999", StringComparison.Ordinal),
        "AQAAAAH/////AAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
        "AQAAAAEAAAAAAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
        Bcrypt.Replace("$12$", "$16$", StringComparison.Ordinal),
        Bcrypt.Replace("$12$", "$31$", StringComparison.Ordinal),
        Bcrypt.Replace("$12$", "$03$", StringComparison.Ordinal),
        Argon2.Replace("m=32", "m=31", StringComparison.Ordinal),
        Argon2.Replace("m=32", "m=262145", StringComparison.Ordinal),
        Argon2.Replace("m=32,t=2", "m=262144,t=5", StringComparison.Ordinal),
        Argon2.Replace("t=2", "t=0", StringComparison.Ordinal),
        Argon2.Replace("p=4", "p=17", StringComparison.Ordinal),
        Argon2.Replace("p=4", "p=0", StringComparison.Ordinal),
        Argon2.Replace("m=32", "m=4294967296", StringComparison.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public void Work_parameters_out_of_bounds_are_refused(string text) => Refuse(text);

    public static TheoryData<string> Unknown { get; } =
    [
        null!, "", "secret", "$", "$$$$$", "$unknown$12$x", "$1$abc$def", "$5$rounds=5000$x$y", "$2a$", Bcrypt[..59], Bcrypt + "x",
        Bcrypt.Replace("$2a", "$2x", StringComparison.Ordinal),
        Bcrypt.Replace("$2a", "$2c", StringComparison.Ordinal),
        Bcrypt.Replace("$12$", "$1a$", StringComparison.Ordinal),
        Bcrypt.Replace("$12$", "$+9$", StringComparison.Ordinal),
        Bcrypt.Replace('.', '!'),
        Bcrypt[..^1] + "7",
        Bcrypt[..28] + "P" + Bcrypt[29..],
        Argon2.Replace("argon2id", "argon2i", StringComparison.Ordinal),
        Argon2.Replace("v=19", "v=16", StringComparison.Ordinal),
        Argon2.Replace("$v=19", "", StringComparison.Ordinal),
        Argon2.Replace("m=32,t=2", "t=2,m=32", StringComparison.Ordinal),
        Argon2.Replace("p=4", "p=4,keyid=x", StringComparison.Ordinal),
        Argon2 + "=",
        Argon2 + "$",
        Argon2.Replace("t=2", "t=+2", StringComparison.Ordinal),
        Argon2.Replace("t=2", "t= 2", StringComparison.Ordinal),
        HydraSha256.Replace("sha256", "sha224", StringComparison.Ordinal),
        HydraSha256.Replace(",l=32", "", StringComparison.Ordinal),
        HydraSha256.Replace("l=32", "l=31", StringComparison.Ordinal),
        HydraSha256.Replace("i=", "I=", StringComparison.Ordinal),
        HydraSha256.Replace("$i=100000,l=32", "", StringComparison.Ordinal),
        HydraSha256 + "I",
        HydraSha256.Replace('+', '-'),
        "$pbkdf2-sha256$i=1,l=32$AA$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI",
        IdentityVersion2[..^8],
        "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=",
        "AQAAAAMAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "AQAAAAIAAAAyAAAACOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "AQAAAAIAAAAyf///EOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "AQAAAAIAAAAy/////+MwvqVAnhj+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "AgAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        "aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A",
        " aD83dkFoHtGwXxDld2jGu7rMucLuD13QnCfTTZF21+A=",
        "683f377641681ed1b05f10e57768c6bbbaccb9c2ee0f5dd09c27d34d9176d7e0",
        new string('A', 1_025), "$argon2id$" + new string('$', 1_000),
    ];

    [Theory]
    [MemberData(nameof(Unknown))]
    public void Text_in_another_format_is_no_secret_hash(string text) => Refuse(text);

    [Fact]
    public void Random_text_is_no_secret_hash_and_never_throws() =>
        Gen.Select(Gen.String, Gen.Int[0, HydraSha256.Length - 1], Gen.Char).Sample((text, position, character) =>
        {
            _ = ImportedSecretHash.TryParse(text, out _, out _);
            foreach (var known in (string[])[HydraSha256, IdentityVersion2, Bcrypt, Argon2])
            {
                var changed = known.ToCharArray();
                changed[position % changed.Length] = character;
                _ = ImportedSecretHash.TryParse(new string(changed), out _, out _);
                _ = ImportedSecretHash.TryParse(known[..(position % known.Length)] + text, out _, out _);
            }
        });

    [Fact]
    public void Nothing_of_the_hash_is_printed() => Assert.Equal("ImportedSecretHash(Argon2id)", Read(Argon2).ToString());

    private static ImportedSecretHash Read(string text) =>
        ImportedSecretHash.TryParse(text, out var hash, out var problem) ? hash : throw new ArgumentException(problem);

    private static void Refuse(string text)
    {
        Assert.False(ImportedSecretHash.TryParse(text, out var hash, out var problem));
        Assert.Null(hash);
        Assert.NotEmpty(problem);
        Assert.True(text is null || text.Length < 5 || !problem.Contains(text, StringComparison.Ordinal));
    }
}
