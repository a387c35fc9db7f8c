using System.Security.Cryptography;
using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Clients;

/// <summary>Turns secrets into the form in which they may be stored, in the process that received them.</summary>
public static class NewSecrets
{
    /// <summary>Generates a secret.</summary>
    /// <param name="secret">The secret itself, to be shown once.</param>
    /// <returns>The stored form of the secret.</returns>
    public static NewSecret Generate(out string secret)
    {
        secret = GeneratedSecret.Create(RandomNumberGenerator.GetBytes(32));
        return OfGenerated(secret);
    }

    /// <summary>
    /// The stored form of a secret that was given: a fast hash where the secret has the form of a generated one, else a slow hash (a third
    /// of a second of one core).
    /// </summary>
    public static NewSecret Given(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        if (GeneratedSecret.IsWellFormed(bytes))
        {
            return OfGenerated(secret);
        }

        var parameters = SlowHash.ForGiven(RandomNumberGenerator.GetBytes(SlowHash.GivenSaltBytes));
        return new NewSecret
        {
            SecretId = NewId(),
            Kind = SecretKind.Given,
            SlowHash = parameters,
            Expected = [.. SlowHash.Compute(parameters, bytes)],
        };
    }

    /// <summary>The stored form of a secret that came with a client document, given or imported.</summary>
    public static NewSecret Of(ClientSecretEntry entry)
    {
        var secret = entry.Hash is { } hash ? Imported(hash) : Given(entry.Secret ?? "");
        return secret with { Label = entry.Label, NotBefore = entry.NotBefore, ExpiresAt = entry.ExpiresAt };
    }

    /// <summary>A plain SHA-256 hash is the digest that front ends send to grains, so it is stored as that digest at once.</summary>
    private static NewSecret Imported(ImportedSecretHash hash)
    {
        var secret = new NewSecret { SecretId = NewId(), Kind = SecretKind.Imported };
        return hash.Algorithm == SecretHashAlgorithm.Sha256
            ? secret with { Digest = hash.Expected }
            : secret with
            {
                SlowHash = new SlowHashParameters(
                    AlgorithmOf(hash.Algorithm), hash.Salt, hash.Iterations, hash.MemoryKib, hash.Parallelism, hash.Expected.Length),
                Expected = hash.Expected,
            };
    }

    private static SlowHashAlgorithm AlgorithmOf(SecretHashAlgorithm algorithm) => algorithm switch
    {
        SecretHashAlgorithm.Pbkdf2Sha1 => SlowHashAlgorithm.Pbkdf2Sha1,
        SecretHashAlgorithm.Pbkdf2Sha256 => SlowHashAlgorithm.Pbkdf2Sha256,
        SecretHashAlgorithm.Pbkdf2Sha512 => SlowHashAlgorithm.Pbkdf2Sha512,
        SecretHashAlgorithm.Bcrypt => SlowHashAlgorithm.Bcrypt,
        SecretHashAlgorithm.Argon2id => SlowHashAlgorithm.Argon2id,
        SecretHashAlgorithm.Sha512 => SlowHashAlgorithm.Sha512,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>A new secret id: 16 lower-case hex digits.</summary>
    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private static NewSecret OfGenerated(string secret) => new()
    {
        SecretId = NewId(),
        Kind = SecretKind.Generated,
        Digest = [.. SHA256.HashData(Encoding.UTF8.GetBytes(secret))],
    };
}
