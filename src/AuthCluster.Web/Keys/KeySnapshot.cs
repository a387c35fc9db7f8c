using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Web.Keys;

/// <summary>
/// The keys that sign and check now. A snapshot is immutable, so that a signature waits for nothing and a rotation replaces one reference.
/// </summary>
public sealed class KeySnapshot
{
    private KeySnapshot(
        SigningCredentials active,
        FrozenDictionary<string, SecurityKey> published,
        ImmutableArray<string> algorithms,
        ReadOnlyMemory<byte> jwks,
        string etag,
        KeySnapshotRecord source)
    {
        Active = active;
        Published = published;
        Algorithms = algorithms;
        Jwks = jwks;
        JwksETag = etag;
        Source = source;
    }

    /// <summary>Signs new tokens.</summary>
    public SigningCredentials Active { get; }

    /// <summary>The keys of the JWKS by <c>kid</c>: active, standby and retired, never a revoked one.</summary>
    public FrozenDictionary<string, SecurityKey> Published { get; }

    /// <summary>The algorithms (RFC 7518) of the published keys, each once, in the order of the JWKS.</summary>
    public ImmutableArray<string> Algorithms { get; }

    /// <summary>The JWKS document (RFC 7517 section 5), the same bytes on every node.</summary>
    public ReadOnlyMemory<byte> Jwks { get; }

    /// <summary>The document's ETag, quoted.</summary>
    public string JwksETag { get; }

    /// <summary>The record that it was created from.</summary>
    public KeySnapshotRecord Source { get; }

    /// <summary>Unwraps the keys of a snapshot that came from storage or from a silo.</summary>
    /// <param name="record">The wrapped snapshot.</param>
    /// <param name="encryptionKey">The key-encryption key.</param>
    /// <exception cref="CryptographicException">A key can't be unwrapped, or none is active.</exception>
    public static KeySnapshot From(KeySnapshotRecord record, ReadOnlySpan<byte> encryptionKey)
    {
        SigningCredentials? active = null;
        var published = new Dictionary<string, SecurityKey>(StringComparer.Ordinal);
        var webKeys = ImmutableArray.CreateBuilder<PublicJwk>();
        foreach (var key in record.Keys)
        {
            if (key.State == SigningKeyState.Revoked)
            {
                continue;
            }

            if (!KeyWrap.TryUnwrap(encryptionKey, KeyWrap.SigningKeyKind, key.Kid, key.WrappedPrivateKey.AsSpan(), out var pkcs8))
            {
                throw new CryptographicException($"The signing key {key.Kid} can't be unwrapped: the key-encryption key is another one.");
            }

            var security = Import(key, pkcs8, webKeys);
            CryptographicOperations.ZeroMemory(pkcs8);
            published[key.Kid] = security;
            if (key.State == SigningKeyState.Active)
            {
                active = new SigningCredentials(security, key.Algorithm);
            }
        }

        var jwks = JsonWebKeys.Set([.. webKeys]);
        var etag = $"\"{Convert.ToHexStringLower(SHA256.HashData(jwks)[..12])}\"";
        return new KeySnapshot(
            active ?? throw new CryptographicException("No signing key is active."),
            published.ToFrozenDictionary(StringComparer.Ordinal),
            [.. webKeys.Select(key => key.Algorithm).Distinct(StringComparer.Ordinal)],
            jwks,
            etag,
            record);
    }

    private static SecurityKey Import(SigningKeyRecord key, byte[] pkcs8, ImmutableArray<PublicJwk>.Builder webKeys)
    {
        if (key.Algorithm == SecurityAlgorithms.EcdsaSha256)
        {
            var ecdsa = ECDsa.Create();
            ecdsa.ImportPkcs8PrivateKey(pkcs8, out _);
            webKeys.Add(JsonWebKeys.Of(ecdsa.ExportParameters(includePrivateParameters: false)));
            return new ECDsaSecurityKey(ecdsa) { KeyId = key.Kid };
        }

        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(pkcs8, out _);
        webKeys.Add(JsonWebKeys.Of(rsa.ExportParameters(includePrivateParameters: false), key.Algorithm));
        return new RsaSecurityKey(rsa) { KeyId = key.Kid };
    }
}
