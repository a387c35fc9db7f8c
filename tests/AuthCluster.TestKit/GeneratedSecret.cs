using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace AuthCluster.TestKit;

/// <summary>Secrets of the generated form, made without the product's own code: prefix, 43 characters, CRC-32.</summary>
public static class GeneratedSecret
{
    /// <summary>A new random secret.</summary>
    public static string New() => Of(RandomNumberGenerator.GetBytes(32));

    /// <summary>The secret that encodes these 32 bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var body = "acs_" + Base64Url.EncodeToString(bytes);
        return $"{body}_{Crc32(Encoding.ASCII.GetBytes(body)):x8}";
    }

    /// <summary>CRC-32 as in IEEE 802.3 and zlib, bit by bit.</summary>
    private static uint Crc32(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB8_8320);
            }
        }

        return ~crc;
    }
}
