using System.Security.Cryptography;
using AuthCluster.Protocol.Keys;
using CsCheck;

namespace AuthCluster.UnitTests.Keys;

/// <summary>NIST SP 800-38D: wrapped key material. The expected bytes come from Python's cryptography.</summary>
public sealed class KeyWrapTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];
    private static readonly byte[] Nonce = [.. Enumerable.Range(100, 12).Select(value => (byte)value)];
    private static readonly byte[] Known = Convert.FromHexString("016465666768696A6B6C6D6E6FD9C13EC6C0F1D2DF521EEFDAFBBF03133869B710189D33BE4E032D9CA9");

    [Fact]
    public void A_value_is_wrapped_as_another_library_wraps_it_and_comes_back()
    {
        Assert.Equal(Known, KeyWrap.Wrap(Key, "signing-key", "kid-é", "private parts"u8, Nonce));
        Assert.True(KeyWrap.TryUnwrap(Key, "signing-key", "kid-é", Known, out var value));
        Assert.Equal("private parts"u8, value);
    }

    [Theory]
    [InlineData("pepper", "kid-é")]
    [InlineData("signing-key", "kid-e")]
    [InlineData("signing-keyk", "id-é")]
    [InlineData("signing-ke", "ykid-é")]
    [InlineData("", "signing-keykid-é")]
    public void A_wrapped_value_can_not_be_unwrapped_under_another_kind_or_id(string kind, string id)
    {
        Assert.False(KeyWrap.TryUnwrap(Key, kind, id, Known, out var value));
        Assert.Empty(value);
    }

    [Fact]
    public void A_changed_bit_anywhere_is_found() =>
        Gen.Select(Gen.Int[0, Known.Length - 1], Gen.Int[0, 7]).Sample((position, bit) =>
        {
            var changed = Known.ToArray();
            changed[position] ^= (byte)(1 << bit);
            Assert.False(KeyWrap.TryUnwrap(Key, "signing-key", "kid-é", changed, out _));
        });

    [Fact]
    public void Another_key_or_a_value_that_was_cut_unwraps_nothing()
    {
        Assert.False(KeyWrap.TryUnwrap(RandomNumberGenerator.GetBytes(32), "signing-key", "kid-é", Known, out _));
        for (var length = 0; length < Known.Length; length++)
        {
            Assert.False(KeyWrap.TryUnwrap(Key, "signing-key", "kid-é", Known.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void An_empty_value_can_be_wrapped_too()
    {
        Assert.True(KeyWrap.TryUnwrap(Key, "a", "b", KeyWrap.Wrap(Key, "a", "b", [], Nonce), out var value));
        Assert.Empty(value);
    }
}
