using System.Text;
using AuthCluster.Protocol.Clients;
using CsCheck;

namespace AuthCluster.UnitTests.Clients;

/// <summary>RFC 6749 §2.2: client identifiers.</summary>
public sealed class ClientIdTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("orders")]
    [InlineData("Orders.Service_v2~test-1")]
    [InlineData("...")]
    [InlineData("-")]
    [InlineData("ACS_upper")]
    [InlineData("xacs_inside")]
    [InlineData("acs")]
    [InlineData("http://adfs/x")]
    [InlineData("a@b")]
    [InlineData("sp-x!b1|y!b2")]
    [InlineData("a/../b")]
    [InlineData("./acs_x")]
    [InlineData("!$&'()*+,-./:;=@[]^_`{|}~")]
    public void An_id_of_the_grammar_is_read(string text)
    {
        Assert.True(ClientId.TryParse(text, out var id));
        Assert.Equal(text, id.Value);
        Assert.True(ClientId.TryParse(Encoding.UTF8.GetBytes(text), out var fromBytes));
        Assert.Equal(id, fromBytes);
    }

    public static TheoryData<string> Bad { get; } =
    [
        null!, "", ".", "..", "acs_", "acs_secret", "a b", " a", "a ", "a\"b", "a\\b", "a<b", "a>b", "a%20b", "a#b", "a?b", "a\u007F", "a\n", "a\0", "ä", "ａ", "a\u202E", "\uD83D\uDE00", "\uD83D",
        new string('a', 201), new string('a', 100_000),
    ];

    [Theory]
    [MemberData(nameof(Bad))]
    public void Text_outside_the_grammar_is_no_id(string? text)
    {
        Assert.False(ClientId.TryParse(text, out var id));
        Assert.Equal("", id.Value);
        Assert.False(ClientId.TryParse(Encoding.UTF8.GetBytes(text ?? ""), out _));
    }

    [Fact]
    public void An_id_of_200_characters_is_the_longest()
    {
        Assert.True(ClientId.TryParse(new string('a', 200), out _));
        Assert.True(ClientId.TryParse(Encoding.ASCII.GetBytes(new string('a', 200)), out _));
    }

    [Fact]
    public void Every_printable_ASCII_character_except_seven_may_stand_in_an_id()
    {
        for (var character = '\0'; character < 0x180; character++)
        {
            Assert.Equal(character is >= '!' and <= '~' and not ('"' or '\\' or '<' or '>' or '%' or '#' or '?'), ClientId.TryParse($"a{character}", out _));
        }
    }

    [Fact]
    public void Ids_are_case_sensitive()
    {
        Assert.True(ClientId.TryParse("orders", out var lower));
        Assert.True(ClientId.TryParse("Orders", out var upper));

        Assert.NotEqual(lower, upper);
    }

    [Fact]
    public void Bytes_and_text_are_read_alike() =>
        Gen.String.Sample(text =>
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            Assert.Equal(ClientId.TryParse(Encoding.UTF8.GetString(utf8), out var fromText), ClientId.TryParse(utf8, out var fromBytes));
            Assert.Equal(fromText, fromBytes);
        });
}
