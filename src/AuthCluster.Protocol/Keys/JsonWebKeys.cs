using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace AuthCluster.Protocol.Keys;

/// <summary>A public signing key as a JSON Web Key (RFC 7517 section 4).</summary>
/// <param name="KeyId">The <c>kid</c>: the key's RFC 7638 thumbprint.</param>
/// <param name="Algorithm">The <c>alg</c> (RFC 7518 section 3.1).</param>
/// <param name="Json">The whole key as compact JSON, UTF-8.</param>
public sealed record PublicJwk(string KeyId, string Algorithm, ReadOnlyMemory<byte> Json);

/// <summary>
/// Writes public keys as JSON Web Keys and key sets (RFC 7517, RFC 7518 section 6) and computes their thumbprints
/// (RFC 7638). Only the public parameters are read.
/// </summary>
public static class JsonWebKeys
{
    /// <summary>ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).</summary>
    public const string Es256 = "ES256";

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).</summary>
    public const string Rs256 = "RS256";

    /// <summary>RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).</summary>
    public const string Ps256 = "PS256";

    /// <summary>Length of a coordinate of P-256, in bytes (RFC 7518 section 6.2.1.2).</summary>
    private const int CoordinateBytes = 32;

    private const string P256Oid = "1.2.840.10045.3.1.7";

    /// <summary>The JWK of a P-256 key.</summary>
    /// <exception cref="ArgumentException">The key is on another curve or has no public point.</exception>
    public static PublicJwk Of(ECParameters parameters)
    {
        var (x, y) = Coordinates(parameters);
        var kid = Thumbprint(parameters);
        return new PublicJwk(kid, Es256, JsonSerializer.SerializeToUtf8Bytes(
            new EcKeyDocument(Kty: "EC", Use: "sig", Es256, kid, Crv: "P-256", x, y), ProtocolJson.Default.EcKeyDocument));
    }

    /// <summary>The JWK of an RSA key.</summary>
    /// <param name="parameters">The key.</param>
    /// <param name="algorithm"><see cref="Rs256"/> or <see cref="Ps256"/>.</param>
    /// <exception cref="ArgumentException">The key has no modulus or exponent, or the algorithm is another.</exception>
    public static PublicJwk Of(RSAParameters parameters, string algorithm)
    {
        if (algorithm is not (Rs256 or Ps256))
        {
            throw new ArgumentException("RS256 or PS256.", nameof(algorithm));
        }

        var (n, e) = Numbers(parameters);
        var kid = Thumbprint(parameters);
        return new PublicJwk(kid, algorithm, JsonSerializer.SerializeToUtf8Bytes(
            new RsaKeyDocument(Kty: "RSA", Use: "sig", algorithm, kid, n, e), ProtocolJson.Default.RsaKeyDocument));
    }

    /// <summary>The SHA-256 thumbprint of a P-256 key: members <c>crv</c>, <c>kty</c>, <c>x</c>, <c>y</c> (RFC 7638 section 3.2).</summary>
    /// <exception cref="ArgumentException">The key is on another curve or has no public point.</exception>
    public static string Thumbprint(ECParameters parameters)
    {
        var (x, y) = Coordinates(parameters);
        return Hash($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""");
    }

    /// <summary>The SHA-256 thumbprint of an RSA key: members <c>e</c>, <c>kty</c>, <c>n</c> (RFC 7638 section 3.2).</summary>
    /// <exception cref="ArgumentException">The key has no modulus or exponent.</exception>
    public static string Thumbprint(RSAParameters parameters)
    {
        var (n, e) = Numbers(parameters);
        return Hash($$"""{"e":"{{e}}","kty":"RSA","n":"{{n}}"}""");
    }

    /// <summary>Writes a key set (RFC 7517 section 5); the keys keep their order.</summary>
    public static void WriteSet(IBufferWriter<byte> writer, params ReadOnlySpan<PublicJwk> keys)
    {
        writer.Write("""{"keys":["""u8);
        for (var i = 0; i < keys.Length; i++)
        {
            writer.Write(i == 0 ? default : ","u8);
            writer.Write(keys[i].Json.Span);
        }

        writer.Write("]}"u8);
    }

    /// <summary>A key set as bytes.</summary>
    public static byte[] Set(params ReadOnlySpan<PublicJwk> keys)
    {
        var writer = new ArrayBufferWriter<byte>();
        WriteSet(writer, keys);
        return writer.WrittenSpan.ToArray();
    }

    private static (string X, string Y) Coordinates(ECParameters parameters)
    {
        // A named curve has its OID or, when it comes from some key stores, only its friendly name.
        if (!parameters.Curve.IsNamed
            || !(parameters.Curve.Oid.Value == P256Oid || parameters.Curve.Oid.FriendlyName is "nistP256" or "ECDSA_P256"))
        {
            throw new ArgumentException("Not a key of the curve P-256.", nameof(parameters));
        }

        return (Coordinate(parameters.Q.X), Coordinate(parameters.Q.Y));
    }

    /// <summary>Left-padded to the full size: a coordinate that starts with zero bytes keeps them (RFC 7518 section 6.2.1.2).</summary>
    private static string Coordinate(byte[]? value)
    {
        var number = WithoutLeadingZeros(value);
        if (number.IsEmpty || number.Length > CoordinateBytes)
        {
            throw new ArgumentException("Not a public point of P-256.", nameof(value));
        }

        Span<byte> padded = stackalloc byte[CoordinateBytes];
        number.CopyTo(padded[(CoordinateBytes - number.Length)..]);
        return Base64Url.EncodeToString(padded);
    }

    /// <summary>Modulus and exponent in the fewest bytes, without a leading zero (RFC 7518 section 6.3.1, Base64urlUInt).</summary>
    private static (string N, string E) Numbers(RSAParameters parameters)
    {
        var modulus = WithoutLeadingZeros(parameters.Modulus);
        var exponent = WithoutLeadingZeros(parameters.Exponent);
        return modulus.IsEmpty || exponent.IsEmpty
            ? throw new ArgumentException("Not a public RSA key.", nameof(parameters))
            : (Base64Url.EncodeToString(modulus), Base64Url.EncodeToString(exponent));
    }

    private static ReadOnlySpan<byte> WithoutLeadingZeros(ReadOnlySpan<byte> value) => value.TrimStart((byte)0);

    private static string Hash(string members) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(members)));
}

/// <summary>The members of a P-256 key (RFC 7518 section 6.2.1) in their order.</summary>
internal sealed record EcKeyDocument(string Kty, string Use, string Alg, string Kid, string Crv, string X, string Y);

/// <summary>The members of an RSA key (RFC 7518 section 6.3.1) in their order.</summary>
internal sealed record RsaKeyDocument(string Kty, string Use, string Alg, string Kid, string N, string E);
