using AuthCluster.Protocol.Json;

namespace AuthCluster.UnitTests.Json;

/// <summary>Which characters names, labels and values may have.</summary>
public sealed class DisplayTextTests
{
    [Theory]
    [InlineData("")]
    [InlineData("Orders service")]
    [InlineData("Zürich — «ß» 東京 ไทย")]
    [InlineData("e\u0301")]
    [InlineData("\uD83D\uDE00")]
    [InlineData("\uFFFD")]
    [InlineData("\u00A0")]
    public void Visible_characters_are_plain(string text) => Assert.True(DisplayText.HasOnlyPlainCharacters(text));

    [Theory]
    [InlineData("a\0")]
    [InlineData("a\n")]
    [InlineData("a\t")]
    [InlineData("a\u007F")]
    [InlineData("a\u0085")]
    [InlineData("a\u00AD")]
    [InlineData("a\u200B")]
    [InlineData("a\u200E")]
    [InlineData("a\u202E")]
    [InlineData("a\u2066")]
    [InlineData("a\uFEFF")]
    [InlineData("a\u2028")]
    [InlineData("a\u2029")]
    [InlineData("a\uE000")]
    [InlineData("a\uFFFF")]
    [InlineData("a\u0378")]
    [InlineData("\U000E0001")]
    [InlineData("\U000F0000")]
    [InlineData("\U0010FFFF")]
    public void Control_format_private_unassigned_surrogate_and_line_separator_characters_are_not_plain(string text) =>
        Assert.False(DisplayText.HasOnlyPlainCharacters(text));

    [Fact]
    public void Half_of_a_surrogate_pair_is_not_plain()
    {
        // Not in the table above: test data travels as UTF-8, which can't hold half of a surrogate pair.
        foreach (var text in (string[])["a\uD83D", "\uDE00a", "\uFFFD\uD83D", "\uDE00\uD83D"])
        {
            Assert.False(DisplayText.HasOnlyPlainCharacters(text));
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("\uD83D\uDE00x", 2)]
    [InlineData("e\u0301", 2)]
    public void Length_is_counted_in_code_points(string text, int length) => Assert.Equal(length, DisplayText.Length(text));
}
