using System.Security.Cryptography;
using System.Text;
using AuthCluster.Contracts.Tokens;
using Konscious.Security.Cryptography;

namespace AuthCluster.Web.Clients;

/// <summary>Computes the slow hashes of given and imported secrets.</summary>
public static class SlowHash
{
    /// <summary>Rounds of PBKDF2-HMAC-SHA-256 for a given secret.</summary>
    public const int GivenIterations = 600_000;

    /// <summary>Salt length for a given secret, in bytes.</summary>
    public const int GivenSaltBytes = 16;

    private const int StrongCharacters = 32;

    /// <summary>The parameters under which a given secret is stored.</summary>
    /// <param name="salt">Random salt of <see cref="GivenSaltBytes"/> bytes.</param>
    public static SlowHashParameters ForGiven(byte[] salt) =>
        new(SlowHashAlgorithm.Pbkdf2Sha256, [.. salt], GivenIterations, 0, 0, SHA256.HashSizeInBytes);

    /// <summary>Whether a secret is strong enough that a fast hash of it may be stored.</summary>
    public static bool IsStrong(ReadOnlySpan<byte> secret) => Encoding.UTF8.GetCharCount(secret) >= StrongCharacters;

    /// <summary>Computes one hash. Takes from a millisecond to a second of one core.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The algorithm is not known.</exception>
    public static byte[] Compute(SlowHashParameters parameters, ReadOnlySpan<byte> secret)
    {
        var salt = parameters.Salt.AsSpan();
        return parameters.Algorithm switch
        {
#pragma warning disable CA5379 // ASP.NET Identity's version 2 hashes are PBKDF2 with SHA-1: they can be checked no other way.
            SlowHashAlgorithm.Pbkdf2Sha1 => Rfc2898DeriveBytes.Pbkdf2(secret, salt, parameters.Iterations, HashAlgorithmName.SHA1, parameters.OutputBytes),
#pragma warning restore CA5379
            SlowHashAlgorithm.Pbkdf2Sha256 => Rfc2898DeriveBytes.Pbkdf2(secret, salt, parameters.Iterations, HashAlgorithmName.SHA256, parameters.OutputBytes),
            SlowHashAlgorithm.Pbkdf2Sha512 => Rfc2898DeriveBytes.Pbkdf2(secret, salt, parameters.Iterations, HashAlgorithmName.SHA512, parameters.OutputBytes),
            SlowHashAlgorithm.Bcrypt => Bcrypt(parameters, secret),
            SlowHashAlgorithm.Argon2id => Argon2(parameters, secret),
            SlowHashAlgorithm.Sha512 => SHA512.HashData(secret),
            _ => throw new ArgumentOutOfRangeException(nameof(parameters)),
        };
    }

    /// <summary>bcrypt returns its 23 bytes as text, behind the prefix. The whole string is compared.</summary>
    private static byte[] Bcrypt(SlowHashParameters parameters, ReadOnlySpan<byte> secret)
    {
        // The salt travels as the hash's own prefix, "$2b$12$" and 22 characters.
        var prefix = Encoding.ASCII.GetString(parameters.Salt.AsSpan());
        return Encoding.ASCII.GetBytes(BCrypt.Net.BCrypt.HashPassword(Encoding.UTF8.GetString(secret), prefix));
    }

    private static byte[] Argon2(SlowHashParameters parameters, ReadOnlySpan<byte> secret)
    {
        using var argon2 = new Argon2id(secret.ToArray())
        {
            Salt = [.. parameters.Salt],
            Iterations = parameters.Iterations,
            MemorySize = parameters.MemoryKib,
            DegreeOfParallelism = parameters.Parallelism,
        };
        return argon2.GetBytes(parameters.OutputBytes);
    }
}
