using System.Text;
using AuthCluster.Protocol.Clients;
using CsCheck;

namespace AuthCluster.UnitTests.Clients;

/// <summary>The forms of secrets. Expected values come from Python's base64 and zlib.</summary>
public sealed class SecretFormTests
{
    private const string Known = "acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854";

    [Fact]
    public void A_generated_secret_is_prefix_base64url_and_CRC_32()
    {
        Assert.Equal(Known, GeneratedSecret.Create([.. Enumerable.Range(0, 32).Select(value => (byte)value)]));
        Assert.Equal("acs___________________________________________8_7c945a98", GeneratedSecret.Create([.. Enumerable.Repeat((byte)0xFF, 32)]));
    }

    [Fact]
    public void A_check_that_begins_with_zeros_keeps_them() =>
        Assert.Equal(
            "acs_gkFklgn4jM0qClsjOgelOOwxP_at9pWqRKlp28o59n0_006b4e5c",
            GeneratedSecret.Create(Convert.FromHexString("8241649609f88ccd2a0a5b233a07a538ec313ff6adf695aa44a969dbca39f67d")));

    [Fact]
    public void Creating_a_secret_from_other_than_32_bytes_throws() =>
        Assert.Throws<ArgumentException>(() => GeneratedSecret.Create(new byte[31]));

    [Fact]
    public void A_created_secret_is_well_formed_and_equals_that_of_an_independent_implementation() =>
        Gen.Byte.Array[32].Sample(bytes =>
        {
            var secret = GeneratedSecret.Create(bytes);
            Assert.Equal(TestKit.GeneratedSecret.Of(bytes), secret);
            Assert.True(GeneratedSecret.IsWellFormed(Encoding.ASCII.GetBytes(secret)));
        });

    [Theory]
    [InlineData("")]
    [InlineData("acs_")]
    [InlineData("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb855")]
    [InlineData("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87DFB854")]
    [InlineData("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb85")]
    [InlineData("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb8544")]
    [InlineData("ACS_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854")]
    [InlineData("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8-87dfb854")]
    [InlineData("acs_BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854")]
    [InlineData(" acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854")]
    public void One_wrong_character_makes_a_secret_malformed(string text) => Assert.False(GeneratedSecret.IsWellFormed(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_secret_whose_last_character_has_bits_beyond_the_32_bytes_is_not_well_formed()
    {
        // Python: zlib.crc32(b"acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9").
        Assert.False(GeneratedSecret.IsWellFormed("acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9_f0d888c2"u8));
    }

    [Fact]
    public void Any_flipped_bit_is_found() =>
        Gen.Select(Gen.Byte.Array[32], Gen.Int[0, 55], Gen.Int[0, 7]).Sample((bytes, position, bit) =>
        {
            var secret = Encoding.ASCII.GetBytes(GeneratedSecret.Create(bytes));
            secret[position] ^= (byte)(1 << bit);
            Assert.False(GeneratedSecret.IsWellFormed(secret));
        });

    [Theory]
    [InlineData("0123456789abcdef")]
    [InlineData("a:b+c%20d/e=f &g\"h\\i~")]
    [InlineData("                ")]
    public void A_given_secret_of_16_printable_characters_or_more_is_acceptable(string text) => Assert.True(GivenSecret.IsAcceptable(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789abcdef\n")]
    [InlineData("0123456789abcdef\u007F")]
    [InlineData("0123456789abcdefé")]
    public void A_given_secret_that_is_short_or_has_other_characters_is_not_acceptable(string? text) => Assert.False(GivenSecret.IsAcceptable(text));

    [Fact]
    public void A_given_secret_has_256_characters_at_most()
    {
        Assert.True(GivenSecret.IsAcceptable(new string('x', 256)));
        Assert.False(GivenSecret.IsAcceptable(new string('x', 257)));
    }
}
