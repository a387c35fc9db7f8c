using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace AuthCluster.Grains.Keys;

/// <summary>The unwrapped peppers of the cluster in the memory of a silo. Loaded once at the start.</summary>
public sealed class PepperRing
{
    private FrozenDictionary<string, byte[]> _peppers = FrozenDictionary<string, byte[]>.Empty;

    /// <summary>The id of the pepper under which new secrets are stored.</summary>
    internal string CurrentId { get; private set; } = "";

    /// <summary>Sets the peppers that storage holds.</summary>
    /// <param name="peppers">Pepper ids and their 32 bytes, oldest first.</param>
    internal void Load(IReadOnlyList<KeyValuePair<string, byte[]>> peppers)
    {
        _peppers = peppers.ToFrozenDictionary(StringComparer.Ordinal);
        CurrentId = peppers[^1].Key;
    }

    /// <summary>
    /// HMAC-SHA-256 under a pepper over client id, secret id and digest. The ids are part of it so that a MAC that somebody copies
    /// to another client or secret matches nothing there.
    /// </summary>
    /// <returns>False when the pepper is not known.</returns>
    internal bool TryMac(string pepperId, string clientId, string secretId, ReadOnlySpan<byte> digest, Span<byte> mac)
    {
        if (!_peppers.TryGetValue(pepperId, out var pepper))
        {
            return false;
        }

        // Both ids are short ASCII without NUL, so the separators make the encoding unambiguous.
        Span<byte> message = stackalloc byte[512];
        var length = Encoding.UTF8.GetBytes(clientId, message);
        message[length++] = 0;
        length += Encoding.UTF8.GetBytes(secretId, message[length..]);
        message[length++] = 0;
        digest.CopyTo(message[length..]);
        length += digest.Length;
        HMACSHA256.HashData(pepper, message[..length], mac);
        return true;
    }
}
