using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace AuthCluster.Protocol.Requests;

/// <summary>Decoding of <c>application/x-www-form-urlencoded</c> (RFC 6749 appendix B) on UTF-8 bytes.</summary>
internal static class FormDecoding
{
    private static readonly SearchValues<byte> Encoded = SearchValues.Create("%+"u8);

    /// <summary>Whether every percent sign has two hexadecimal digits after it.</summary>
    public static bool HasGoodEscapes(ReadOnlySpan<byte> encoded)
    {
        for (var next = encoded.IndexOf((byte)'%'); next >= 0; next = encoded.IndexOf((byte)'%'))
        {
            if (encoded.Length - next < 3 || !char.IsAsciiHexDigit((char)encoded[next + 1]) || !char.IsAsciiHexDigit((char)encoded[next + 2]))
            {
                return false;
            }

            encoded = encoded[(next + 3)..];
        }

        return true;
    }

    /// <summary>
    /// Whether the decoded text is UTF-8. A whole form may be checked at once: its separators are ASCII, so no
    /// multi-byte character contains a separator.
    /// </summary>
    public static bool IsUtf8(ReadOnlySpan<byte> encoded)
    {
        if (!encoded.Contains((byte)'%'))
        {
            return Utf8.IsValid(encoded);
        }

        using var decoded = new DecodedValue(encoded);
        return Utf8.IsValid(decoded.Bytes);
    }

    /// <summary>Decodes into a new array.</summary>
    public static byte[] ToBytes(ReadOnlySpan<byte> encoded)
    {
        using var decoded = new DecodedValue(encoded);
        return decoded.Bytes.ToArray();
    }

    /// <summary>Decodes into a new string.</summary>
    public static string ToText(ReadOnlySpan<byte> encoded)
    {
        using var decoded = new DecodedValue(encoded);
        return Encoding.UTF8.GetString(decoded.Bytes);
    }

    /// <summary>Decodes into a target that is at least as long as the source. A raw space stays a space; a plus becomes a space.</summary>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<byte> target)
    {
        var written = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            var value = encoded[i];
            if (value == '%')
            {
                value = (byte)((HexValue(encoded[i + 1]) << 4) | HexValue(encoded[i + 2]));
                i += 2;
            }
            else if (value == '+')
            {
                value = (byte)' ';
            }

            target[written++] = value;
        }

        return written;
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    /// <summary>
    /// A decoded value: the source itself when nothing is encoded, otherwise a pooled buffer. The buffer is cleared before it returns to
    /// the pool, because it may hold a secret.
    /// </summary>
    public readonly ref struct DecodedValue
    {
        private readonly byte[]? _pooled;

        /// <summary>Decodes a text whose escapes are valid.</summary>
        public DecodedValue(ReadOnlySpan<byte> encoded)
        {
            if (encoded.ContainsAny(Encoded))
            {
                _pooled = ArrayPool<byte>.Shared.Rent(encoded.Length);
                Bytes = _pooled.AsSpan(0, Decode(encoded, _pooled));
            }
            else
            {
                Bytes = encoded;
            }
        }

        /// <summary>The decoded bytes.</summary>
        public ReadOnlySpan<byte> Bytes { get; }

        /// <summary>Returns the buffer to the pool.</summary>
        public void Dispose()
        {
            if (_pooled is not null)
            {
                ArrayPool<byte>.Shared.Return(_pooled, clearArray: true);
            }
        }
    }
}
