using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Keys;

namespace AuthCluster.UnitTests.Keys;

/// <summary>RFC 7517, RFC 7518 §6 and RFC 7638: public keys. Thumbprints and padded coordinates come from the RFC and from Python.</summary>
public sealed class JsonWebKeysTests
{
    // RFC 7638 §3.1.
    private const string RfcModulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    // RFC 7515 A.3.1.
    private const string RfcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    private const string RfcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    [Fact]
    public void The_thumbprint_of_the_RFCs_example_is_the_RFCs() =>
        Assert.Equal("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", JsonWebKeys.Thumbprint(Rsa(RfcModulus)));

    [Fact]
    public void An_elliptic_key_is_written_with_its_thumbprint_as_kid()
    {
        var key = JsonWebKeys.Of(Ec(Base64Url.DecodeFromChars(RfcX), Base64Url.DecodeFromChars(RfcY)));

        Assert.Equal("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", key.KeyId);
        Assert.Equal("ES256", key.Algorithm);
        Assert.Equal(
            $$"""{"kty":"EC","use":"sig","alg":"ES256","kid":"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U","crv":"P-256","x":"{{RfcX}}","y":"{{RfcY}}"}""",
            Encoding.ASCII.GetString(key.Json.Span));
    }

    [Fact]
    public void Coordinates_are_padded_on_the_left_to_32_bytes()
    {
        byte[] x = [.. Enumerable.Range(1, 31).Select(value => (byte)value)];
        byte[] y = [.. Enumerable.Range(3, 30).Select(value => (byte)value)];

        foreach (var parameters in (ECParameters[])[Ec(x, y), Ec([0, .. x], [0, 0, .. y]), Ec([0, 0, 0, .. x], y)])
        {
            var key = JsonWebKeys.Of(parameters);
            var json = JsonNode.Parse(key.Json.Span)!;

            Assert.Equal("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", json["x"]!.GetValue<string>());
            Assert.Equal("AAADBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", json["y"]!.GetValue<string>());
            Assert.Equal("LzB0CaSykmCMt7yNhMvwKa6DV2E2kX4wt1fx6wiSgMs", key.KeyId);
        }
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void A_modulus_has_no_leading_zero_byte(string algorithm)
    {
        var parameters = Rsa(RfcModulus);
        parameters.Modulus = [0, 0, .. parameters.Modulus!];
        parameters.Exponent = [0, .. parameters.Exponent!];

        var key = JsonWebKeys.Of(parameters, algorithm);

        Assert.Equal(
            $$"""{"kty":"RSA","use":"sig","alg":"{{algorithm}}","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs","n":"{{RfcModulus}}","e":"AQAB"}""",
            Encoding.ASCII.GetString(key.Json.Span));
    }

    [Fact]
    public void No_private_member_is_ever_written()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);

        using var set = JsonDocument.Parse(JsonWebKeys.Set(JsonWebKeys.Of(ec.ExportParameters(true)), JsonWebKeys.Of(rsa.ExportParameters(true), "RS256")));

        var keys = set.RootElement.GetProperty("keys").EnumerateArray().ToArray();
        Assert.Equal(["kty", "use", "alg", "kid", "crv", "x", "y"], keys[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal(["kty", "use", "alg", "kid", "n", "e"], keys[1].EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public void The_library_that_validates_tokens_reads_what_is_written()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        var json = Encoding.UTF8.GetString(JsonWebKeys.Set(JsonWebKeys.Of(ec.ExportParameters(false)), JsonWebKeys.Of(rsa.ExportParameters(false), "PS256")));

        var keys = Microsoft.IdentityModel.Tokens.JsonWebKeySet.Create(json).Keys;

        Assert.Equal(2, keys.Count);
        Assert.Equal(ec.ExportParameters(false).Q.X, Base64Url.DecodeFromChars(keys[0].X));
        Assert.Equal(rsa.ExportParameters(false).Modulus, Base64Url.DecodeFromChars(keys[1].N));
        Assert.All(keys, key => Assert.Equal(key.KeyId, Base64Url.EncodeToString(key.ComputeJwkThumbprint())));
    }

    [Fact]
    public void An_empty_set_is_a_set() => Assert.Equal("""{"keys":[]}"""u8, JsonWebKeys.Set());

    [Fact]
    public void The_keys_come_in_the_order_given()
    {
        using var first = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var second = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        PublicJwk[] keys = [JsonWebKeys.Of(first.ExportParameters(false)), JsonWebKeys.Of(second.ExportParameters(false))];

        var set = JsonNode.Parse(JsonWebKeys.Set(keys))!;

        Assert.Equal(keys.Select(key => key.KeyId), set["keys"]!.AsArray().Select(key => key!["kid"]!.GetValue<string>()));
    }

    [Fact]
    public void A_key_of_another_kind_is_a_fault_of_the_caller()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);

        Assert.Throws<ArgumentException>(() => JsonWebKeys.Of(other.ExportParameters(false)));
        Assert.Throws<ArgumentException>(() => JsonWebKeys.Of(Ec([], [1])));
        Assert.Throws<ArgumentException>(() => JsonWebKeys.Of(Ec([1, .. new byte[32]], [1])));
        Assert.Throws<ArgumentException>(() => JsonWebKeys.Of(default(RSAParameters), "RS256"));
        Assert.Throws<ArgumentException>(() => JsonWebKeys.Of(Rsa(RfcModulus), "HS256"));
    }

    private static RSAParameters Rsa(string modulus) => new() { Modulus = Base64Url.DecodeFromChars(modulus), Exponent = [1, 0, 1] };

    private static ECParameters Ec(byte[] x, byte[] y) => new() { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } };
}
