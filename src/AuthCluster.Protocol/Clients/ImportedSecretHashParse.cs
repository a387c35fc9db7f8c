using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace AuthCluster.Protocol.Clients;

/// <summary>Parses the hashes that other servers store.</summary>
/// <remarks>
/// <para>The forms: Hydra's <c>$pbkdf2-sha256$i=…,l=…$salt$hash</c> (also sha1 and sha512); the base64 of ASP.NET Identity
/// version 2 (0x00, salt of 16 bytes, key of 32 bytes; 1,000 rounds of HMAC-SHA-1) and of version 3, which OpenIddict uses too
/// (0x01, function, rounds and salt length as big-endian 32-bit numbers, salt, key); the base64 of SHA-256 or SHA-512
/// (Duende); bcrypt (<c>$2a$</c>, <c>$2b$</c>, <c>$2y$</c>); Argon2id as a PHC string.</para>
/// <para>Work parameters are bounded, so that no imported hash makes each authentication of a client cost seconds or gigabytes.</para>
/// </remarks>
internal static class ImportedSecretHashParse
{
    private const int MaxSaltBytes = 256;
    private const int MinKeyBytes = 16;
    private const int MaxKeyBytes = 64;
    private const int BcryptPrefixLength = 29;
    private const int BcryptLength = 60;
    private const string BcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string UnknownForm =
        "is none of the known forms: $pbkdf2-sha256$i=…,l=…$salt$hash, base64 of ASP.NET Identity or OpenIddict, base64 of SHA-256 or SHA-512, $2a$, $2b$ or $2y$, $argon2id$";

    private static readonly SearchValues<char> BcryptCharacters = SearchValues.Create(BcryptAlphabet);

    /// <summary>Reads a text.</summary>
    /// <returns>What is wrong with it, as a sentence without its subject; null when it is a hash.</returns>
    public static string? Read(string? text, ref ImportedSecretHash? hash)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "is empty";
        }

        if (text.Length > ImportedSecretHash.MaxTextLength)
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
        // The last characters of salt and hash have unused bits. A hash with such a bit set could never match a computed hash.
        if (text.Length != BcryptLength
            || text[2] is not ('a' or 'b' or 'y') || text[3] != '$' || text[6] != '$'
            || text.AsSpan(7).ContainsAnyExcept(BcryptCharacters)
            || (BcryptAlphabet.IndexOf(text[BcryptPrefixLength - 1], StringComparison.Ordinal) & 0b1111) != 0
            || (BcryptAlphabet.IndexOf(text[^1], StringComparison.Ordinal) & 0b11) != 0)
        {
            return "is no bcrypt hash of 60 characters that begins with $2a$, $2b$ or $2y$";
        }

        if (!TryReadNumber(text.AsSpan(4, 2), out var cost) || cost is < ImportedSecretHash.MinBcryptCost or > ImportedSecretHash.MaxBcryptCost)
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

        if (lanes is < 1 or > ImportedSecretHash.MaxArgon2Lanes || passes < 1 || memory < 8 * lanes || memory > ImportedSecretHash.MaxArgon2MemoryKib || (long)memory * passes > ImportedSecretHash.MaxArgon2Work)
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
        Span<byte> buffer = stackalloc byte[ImportedSecretHash.MaxTextLength];
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
        if (iterations is < 1 or > ImportedSecretHash.MaxPbkdf2Iterations)
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
