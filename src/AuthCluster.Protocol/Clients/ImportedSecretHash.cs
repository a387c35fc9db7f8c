using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Protocol.Clients;

/// <summary>The algorithms by which another server may have hashed a client's secret.</summary>
public enum SecretHashAlgorithm
{
    /// <summary>PBKDF2 with HMAC-SHA-1 (ASP.NET Identity version 2; RFC 8018 section 5.2).</summary>
    Pbkdf2Sha1,

    /// <summary>PBKDF2 with HMAC-SHA-256.</summary>
    Pbkdf2Sha256,

    /// <summary>PBKDF2 with HMAC-SHA-512.</summary>
    Pbkdf2Sha512,

    /// <summary>bcrypt.</summary>
    Bcrypt,

    /// <summary>Argon2id (RFC 9106), version 1.3.</summary>
    Argon2id,

    /// <summary>SHA-256 of the secret's UTF-8 bytes, without salt.</summary>
    Sha256,

    /// <summary>SHA-512 of the secret's UTF-8 bytes, without salt.</summary>
    Sha512,
}

/// <summary>A hash of a secret as another server stored it, parsed.</summary>
public sealed record ImportedSecretHash
{
    /// <summary>Longest text of a hash, in characters.</summary>
    public const int MaxTextLength = 1_024;

    /// <summary>Most rounds of PBKDF2.</summary>
    public const int MaxPbkdf2Iterations = 2_000_000;

    /// <summary>Lowest cost exponent of bcrypt.</summary>
    public const int MinBcryptCost = 4;

    /// <summary>Highest cost exponent of bcrypt.</summary>
    public const int MaxBcryptCost = 15;

    /// <summary>Most memory of Argon2id, in KiB.</summary>
    public const int MaxArgon2MemoryKib = 262_144;

    /// <summary>Largest product of memory, in KiB, and passes of Argon2id.</summary>
    public const int MaxArgon2Work = 1_048_576;

    /// <summary>Most lanes of Argon2id.</summary>
    public const int MaxArgon2Lanes = 16;

    /// <summary>The algorithm.</summary>
    public required SecretHashAlgorithm Algorithm { get; init; }

    /// <summary>The salt; for bcrypt the 29 ASCII characters before the hash (<c>$2b$12$</c> and 22 of salt); empty for plain SHA.</summary>
    public ImmutableArray<byte> Salt { get; init; } = [];

    /// <summary>Rounds of PBKDF2, cost exponent of bcrypt, passes of Argon2id; 0 for plain SHA.</summary>
    public int Iterations { get; init; }

    /// <summary>Memory of Argon2id in KiB; else 0.</summary>
    public int MemoryKib { get; init; }

    /// <summary>Lanes of Argon2id; else 0.</summary>
    public int Parallelism { get; init; }

    /// <summary>The hash of the right secret; for bcrypt the 60 ASCII characters of the whole text.</summary>
    public required ImmutableArray<byte> Expected { get; init; }

    /// <summary>Reads a hash.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hash">The hash, when the text is one.</param>
    /// <param name="problem">What is wrong with the text, as a sentence without its subject. The sentence repeats no part of the text.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ImportedSecretHash? hash, [NotNullWhen(false)] out string? problem)
    {
        hash = null;
        problem = ImportedSecretHashParse.Read(text, ref hash);
        return problem is null && hash is not null;
    }

    /// <summary>Prints nothing of the hash.</summary>
    public override string ToString() => $"ImportedSecretHash({Algorithm})";
}
