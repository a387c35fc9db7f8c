using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace AuthCluster.Protocol.Keys;

/// <summary>
/// Wraps key material under the key-encryption key: AES-256-GCM (NIST SP 800-38D) with the kind and the id of
/// the material as associated data, so that a wrapped value can't be unwrapped in another row.
/// </summary>
/// <remarks>Layout: format byte 1, nonce (12 bytes), tag (16 bytes), ciphertext.</remarks>
public static class KeyWrap
{
    /// <summary>Length of the key-encryption key in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>Length of the nonce in bytes.</summary>
    public const int NonceBytes = 12;

    /// <summary>The kind of a private signing key, PKCS#8.</summary>
    public const string SigningKeyKind = "signing-key";

    /// <summary>The kind of a pepper.</summary>
    public const string PepperKind = "pepper";

    /// <summary>The kind of the seed from which a first start derives secrets.</summary>
    public const string FirstStartKind = "first-start";

    private const byte Format = 1;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + NonceBytes + TagBytes;

    /// <summary>Wraps a value.</summary>
    /// <param name="key">The key-encryption key, 32 bytes.</param>
    /// <param name="kind">The kind of the value, such as <c>signing-key</c>.</param>
    /// <param name="id">The value's id.</param>
    /// <param name="plaintext">The value.</param>
    /// <param name="nonce">12 bytes, never used before with this key: take them from a random number generator.</param>
    public static byte[] Wrap(
        ReadOnlySpan<byte> key, string kind, string id, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> nonce)
    {
        var wrapped = new byte[HeaderBytes + plaintext.Length];
        wrapped[0] = Format;
        nonce.CopyTo(wrapped.AsSpan(1, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(
            nonce,
            plaintext,
            wrapped.AsSpan(HeaderBytes),
            wrapped.AsSpan(1 + NonceBytes, TagBytes),
            AssociatedData(kind, id));
        return wrapped;
    }

    /// <summary>Unwraps a value.</summary>
    /// <returns>False when the key is another one, or when the value was changed or belongs to another kind or id.</returns>
    public static bool TryUnwrap(
        ReadOnlySpan<byte> key, string kind, string id, ReadOnlySpan<byte> wrapped, out byte[] plaintext)
    {
        plaintext = [];
        if (wrapped.Length < HeaderBytes || wrapped[0] != Format)
        {
            return false;
        }

        var value = new byte[wrapped.Length - HeaderBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(
                wrapped.Slice(1, NonceBytes),
                wrapped[HeaderBytes..],
                wrapped.Slice(1 + NonceBytes, TagBytes),
                value,
                AssociatedData(kind, id));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        plaintext = value;
        return true;
    }

    /// <summary>The kind's length, the kind, then the id, so that no two pairs give the same bytes.</summary>
    private static byte[] AssociatedData(string kind, string id)
    {
        var kindBytes = Encoding.UTF8.GetBytes(kind);
        var idBytes = Encoding.UTF8.GetBytes(id);
        var data = new byte[4 + kindBytes.Length + idBytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(data, kindBytes.Length);
        kindBytes.CopyTo(data, 4);
        idBytes.CopyTo(data, 4 + kindBytes.Length);
        return data;
    }
}
