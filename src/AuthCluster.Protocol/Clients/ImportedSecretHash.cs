using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace AuthCluster.Protocol.Clients;

/// <summary>The hashes that another server may have stored of a client's secret.</summary>
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

/// <summary>A hash of a secret as another server stored it, taken apart.</summary>
/// <remarks>
/// <para>The forms: Hydra's <c>$pbkdf2-sha256$i=…,l=…$salt$hash</c> (also sha1 and sha512); the base64 of ASP.NET Identity
/// version 2 (0x00, salt of 16 bytes, key of 32 bytes; 1,000 rounds of HMAC-SHA-1) and of version 3, which is OpenIddict's too
/// (0x01, function, rounds and salt length as big-endian 32-bit numbers, salt, key); the base64 of SHA-256 or SHA-512
/// (Duende); bcrypt (<c>$2a$</c>, <c>$2b$</c>, <c>$2y$</c>); Argon2id as a PHC string.</para>
/// <para>Work parameters are bounded, so that no import can make every login of a client cost seconds or gigabytes.</para>
/// </remarks>
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

    /// <summary>Most memory times passes of Argon2id, in KiB.</summary>
    public const int MaxArgon2Work = 1_048_576;

    /// <summary>Most lanes of Argon2id.</summary>
    public const int MaxArgon2Lanes = 16;

    private const int MaxSaltBytes = 256;
    private const int MinKeyBytes = 16;
    private const int MaxKeyBytes = 64;
    private const int BcryptPrefixLength = 29;
    private const int BcryptLength = 60;
    private const string BcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string UnknownForm =
        "is none of the known forms: $pbkdf2-sha256$i=…,l=…$salt$hash, base64 of ASP.NET Identity or OpenIddict, base64 of SHA-256 or SHA-512, $2a$, $2b$ or $2y$, $argon2id$";

    private static readonly SearchValues<char> BcryptCharacters = SearchValues.Create(BcryptAlphabet);

    /// <summary>The algorithm.</summary>
    public required SecretHashAlgorithm Algorithm { get; init; }

    /// <summary>The salt; for bcrypt the 29 ASCII characters before the hash (<c>$2b$12$</c> and 22 of salt); empty for a plain SHA.</summary>
    public ImmutableArray<byte> Salt { get; init; } = [];

    /// <summary>Rounds of PBKDF2, cost exponent of bcrypt, passes of Argon2id; 0 for a plain SHA.</summary>
    public int Iterations { get; init; }

    /// <summary>Memory of Argon2id in KiB; else 0.</summary>
    public int MemoryKib { get; init; }

    /// <summary>Lanes of Argon2id; else 0.</summary>
    public int Parallelism { get; init; }

    /// <summary>What the right secret gives; for bcrypt the 60 ASCII characters of the whole hash.</summary>
    public required ImmutableArray<byte> Expected { get; init; }

    /// <summary>Reads a hash.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hash">The hash, when the text is one.</param>
    /// <param name="problem">What is wrong with the text, as a sentence without its subject; it repeats nothing of the text.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ImportedSecretHash? hash, [NotNullWhen(false)] out string? problem)
    {
        hash = null;
        problem = Read(text, ref hash);
        return problem is null && hash is not null;
    }

    /// <summary>Prints nothing of the hash.</summary>
    public override string ToString() => $"ImportedSecretHash({Algorithm})";

    private static string? Read(string? text, ref ImportedSecretHash? hash)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "is empty";
        }

        if (text.Length > MaxTextLength)
        {
            return "is longer than 1,024 characters";
        }

        if (text.StartsWith("$2", StringComparison.Ordinal))
        {
            return ReadBcrypt(text, ref hash);
        }

        var parts = text.Split('$');
        return parts switch
        {
            ["", "argon2id", var version, var parameters, var salt, var key] => ReadArgon2(version, parameters, salt, key, ref hash),
            ["", "pbkdf2-sha1", var parameters, var salt, var key] => ReadPbkdf2(SecretHashAlgorithm.Pbkdf2Sha1, parameters, salt, key, ref hash),
            ["", "pbkdf2-sha256", var parameters, var salt, var key] => ReadPbkdf2(SecretHashAlgorithm.Pbkdf2Sha256, parameters, salt, key, ref hash),
            ["", "pbkdf2-sha512", var parameters, var salt, var key] => ReadPbkdf2(SecretHashAlgorithm.Pbkdf2Sha512, parameters, salt, key, ref hash),
            [_] => ReadBase64(text, ref hash),
            _ => UnknownForm,
        };
    }

    /// <summary><c>$2b$12$</c>, 22 characters of salt, 31 of hash.</summary>
    private static string? ReadBcrypt(string text, ref ImportedSecretHash? hash)
    {
        // The last characters of salt and hash have bits to spare; set, they could never match what is computed.
        if (text.Length != BcryptLength
            || text[2] is not ('a' or 'b' or 'y') || text[3] != '$' || text[6] != '$'
            || text.AsSpan(7).ContainsAnyExcept(BcryptCharacters)
            || (BcryptAlphabet.IndexOf(text[BcryptPrefixLength - 1], StringComparison.Ordinal) & 0b1111) != 0
            || (BcryptAlphabet.IndexOf(text[^1], StringComparison.Ordinal) & 0b11) != 0)
        {
            return "is no bcrypt hash of 60 characters that begins with $2a$, $2b$ or $2y$";
        }

        if (!TryReadNumber(text.AsSpan(4, 2), out var cost) || cost is < MinBcryptCost or > MaxBcryptCost)
        {
            return "has a bcrypt cost outside 4 to 15";
        }

        var ascii = Encoding.ASCII.GetBytes(text);
        hash = new ImportedSecretHash
        {
            Algorithm = SecretHashAlgorithm.Bcrypt,
            Salt = [.. ascii.AsSpan(0, BcryptPrefixLength)],
            Iterations = cost,
            Expected = [.. ascii],
        };
        return null;
    }

    /// <summary><c>$argon2id$v=19$m=65536,t=3,p=4$salt$hash</c>, base64 without padding.</summary>
    private static string? ReadArgon2(string version, string parameters, string salt, string key, ref ImportedSecretHash? hash)
    {
        if (version != "v=19")
        {
            return "has an Argon2 version other than v=19";
        }

        if (parameters.Split(',') is not [['m', '=', .. var m], ['t', '=', .. var t], ['p', '=', .. var p]]
            || !TryReadNumber(m, out var memory) || !TryReadNumber(t, out var passes) || !TryReadNumber(p, out var lanes))
        {
            return "has Argon2 parameters other than m=…,t=…,p=…";
        }

        if (lanes is < 1 or > MaxArgon2Lanes || passes < 1 || memory < 8 * lanes || memory > MaxArgon2MemoryKib || (long)memory * passes > MaxArgon2Work)
        {
            return "has Argon2 work parameters out of bounds: at most 16 lanes, 262,144 KiB, and 1,048,576 KiB times passes";
        }

        if (!TryReadUnpadded(salt, 8, MaxSaltBytes, out var saltBytes) || !TryReadUnpadded(key, MinKeyBytes, MaxKeyBytes, out var keyBytes))
        {
            return "has an Argon2 salt (8 to 256 bytes) or hash (16 to 64 bytes) that is no base64 without padding";
        }

        hash = new ImportedSecretHash
        {
            Algorithm = SecretHashAlgorithm.Argon2id,
            Salt = saltBytes,
            Iterations = passes,
            MemoryKib = memory,
            Parallelism = lanes,
            Expected = keyBytes,
        };
        return null;
    }

    /// <summary><c>$pbkdf2-sha256$i=25000,l=32$salt$hash</c>, base64 without padding, as Hydra writes it.</summary>
    private static string? ReadPbkdf2(SecretHashAlgorithm algorithm, string parameters, string salt, string key, ref ImportedSecretHash? hash)
    {
        if (parameters.Split(',') is not [['i', '=', .. var i], ['l', '=', .. var l]]
            || !TryReadNumber(i, out var iterations) || !TryReadNumber(l, out var length))
        {
            return "has PBKDF2 parameters other than i=…,l=…";
        }

        if (!TryReadUnpadded(salt, 8, MaxSaltBytes, out var saltBytes)
            || !TryReadUnpadded(key, MinKeyBytes, MaxKeyBytes, out var keyBytes)
            || keyBytes.Length != length)
        {
            return "has a PBKDF2 salt (8 to 256 bytes) or hash (16 to 64 bytes, as l says) that is no base64 without padding";
        }

        return MakePbkdf2(algorithm, iterations, saltBytes, keyBytes, ref hash);
    }

    private static string? ReadBase64(string text, ref ImportedSecretHash? hash)
    {
        Span<byte> buffer = stackalloc byte[MaxTextLength];
        if (text.AsSpan().ContainsAny(" \t\r\n") || !Convert.TryFromBase64String(text, buffer, out var length))
        {
            return UnknownForm;
        }

        var bytes = buffer[..length];
        return bytes.Length switch
        {
            32 => Plain(SecretHashAlgorithm.Sha256, bytes, ref hash),
            64 => Plain(SecretHashAlgorithm.Sha512, bytes, ref hash),
            49 when bytes[0] == 0x00 => MakePbkdf2(SecretHashAlgorithm.Pbkdf2Sha1, 1_000, [.. bytes[1..17]], [.. bytes[17..]], ref hash),
            > 13 when bytes[0] == 0x01 => ReadIdentityVersion3(bytes, ref hash),
            _ => UnknownForm,
        };
    }

    private static string? Plain(SecretHashAlgorithm algorithm, ReadOnlySpan<byte> digest, ref ImportedSecretHash? hash)
    {
        hash = new ImportedSecretHash { Algorithm = algorithm, Expected = [.. digest] };
        return null;
    }

    private static string? ReadIdentityVersion3(ReadOnlySpan<byte> bytes, ref ImportedSecretHash? hash)
    {
        var function = BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]);
        var iterations = BinaryPrimitives.ReadUInt32BigEndian(bytes[5..]);
        var saltLength = BinaryPrimitives.ReadUInt32BigEndian(bytes[9..]);
        var rest = bytes[13..];
        if (function > 2 || saltLength < 16 || saltLength > MaxSaltBytes || rest.Length < saltLength + MinKeyBytes || rest.Length > saltLength + MaxKeyBytes)
        {
            return UnknownForm;
        }

        var algorithm = function switch
        {
            0 => SecretHashAlgorithm.Pbkdf2Sha1,
            1 => SecretHashAlgorithm.Pbkdf2Sha256,
            _ => SecretHashAlgorithm.Pbkdf2Sha512,
        };
        return MakePbkdf2(algorithm, iterations, [.. rest[..(int)saltLength]], [.. rest[(int)saltLength..]], ref hash);
    }

    private static string? MakePbkdf2(
        SecretHashAlgorithm algorithm, long iterations, ImmutableArray<byte> salt, ImmutableArray<byte> key, ref ImportedSecretHash? hash)
    {
        if (iterations is < 1 or > MaxPbkdf2Iterations)
        {
            return "has a number of PBKDF2 rounds outside 1 to 2,000,000";
        }

        hash = new ImportedSecretHash { Algorithm = algorithm, Salt = salt, Iterations = (int)iterations, Expected = key };
        return null;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TryReadUnpadded(string text, int min, int max, out ImmutableArray<byte> bytes)
    {
        bytes = [];
        if (text.AsSpan().ContainsAny("= \t\r\n") || text.Length % 4 == 1)
        {
            return false;
        }

        var padded = Encoding.UTF8.GetBytes(text.PadRight((text.Length + 3) / 4 * 4, '='));
        if (Base64.DecodeFromUtf8InPlace(padded, out var length) != OperationStatus.Done || length < min || length > max)
        {
            return false;
        }

        bytes = [.. padded.AsSpan(0, length)];
        return true;
    }
}
