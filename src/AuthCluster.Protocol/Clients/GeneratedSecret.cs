using System.Buffers.Text;
using System.Globalization;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// Secrets that the server generates: <c>acs_</c>, 43 characters (base64url of 32 random bytes), <c>_</c>, and 8
/// lower-case hex digits: the CRC-32 (IEEE 802.3) of everything before that last <c>_</c>.
/// </summary>
/// <remarks>The prefix and the check digits let secret scanners find a leaked secret without false alarms. The 256 random
/// bits make it safe to store a fast hash of the secret.</remarks>
public static class GeneratedSecret
{
    /// <summary>What every generated secret begins with.</summary>
    public const string Prefix = "acs_";

    /// <summary>Random bytes in a secret.</summary>
    public const int RandomBytes = 32;

    /// <summary>Length of a secret, in characters.</summary>
    public const int Length = 56;

    private const int CheckedLength = 47;
    private const string Base64UrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private static readonly System.Buffers.SearchValues<byte> Base64UrlCharacters = System.Buffers.SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <summary>Makes the secret that holds these random bytes.</summary>
    /// <param name="random32">32 bytes of a random number generator whose output can't be guessed.</param>
    /// <exception cref="ArgumentException">There are not 32 bytes.</exception>
    public static string Create(ReadOnlySpan<byte> random32)
    {
        if (random32.Length != RandomBytes)
        {
            throw new ArgumentException("A generated secret holds 32 random bytes.", nameof(random32));
        }

        Span<byte> text = stackalloc byte[Length];
        "acs_"u8.CopyTo(text);
        Base64Url.EncodeToUtf8(random32, text[Prefix.Length..], out _, out _);
        text[CheckedLength] = (byte)'_';
        Crc32(text[..CheckedLength]).TryFormat(text[(CheckedLength + 1)..], out _, "x8", CultureInfo.InvariantCulture);
        return System.Text.Encoding.ASCII.GetString(text);
    }

    /// <summary>Whether a text has the form of a generated secret, its check digits included. Does not tell whose secret it is.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length != Length || !utf8.StartsWith("acs_"u8) || utf8[CheckedLength] != '_')
        {
            return false;
        }

        var body = utf8[Prefix.Length..CheckedLength];
        if (body.ContainsAnyExcept(Base64UrlCharacters))
        {
            return false;
        }

        // 43 characters hold 258 bits; the two bits past the 32 bytes are zero in base64url of 32 bytes.
        if ((Base64UrlAlphabet.IndexOf((char)body[^1], StringComparison.Ordinal) & 0b11) != 0)
        {
            return false;
        }

        Span<byte> check = stackalloc byte[8];
        Crc32(utf8[..CheckedLength]).TryFormat(check, out _, "x8", CultureInfo.InvariantCulture);
        return utf8[(CheckedLength + 1)..].SequenceEqual(check);
    }

    /// <summary>CRC-32 as in IEEE 802.3 and zlib, four bits at a time: the text is short, so a small table is enough.</summary>
    private static uint Crc32(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> table =
        [
            0x0000_0000, 0x1DB7_1064, 0x3B6E_20C8, 0x26D9_30AC, 0x76DC_4190, 0x6B6B_51F4, 0x4DB2_6158, 0x5005_713C,
            0xEDB8_8320, 0xF00F_9344, 0xD6D6_A3E8, 0xCB61_B38C, 0x9B64_C2B0, 0x86D3_D2D4, 0xA00A_E278, 0xBDBD_F21C,
        ];
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            crc = (crc >> 4) ^ table[(int)(crc & 0xF)];
            crc = (crc >> 4) ^ table[(int)(crc & 0xF)];
        }

        return ~crc;
    }
}
