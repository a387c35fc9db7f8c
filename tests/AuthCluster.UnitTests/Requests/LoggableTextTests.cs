using System.Collections.Immutable;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>How much of a caller's own text is logged.</summary>
public sealed class LoggableTextTests
{
    [Theory]
    [InlineData("", "...(0)")]
    [InlineData("battery", "...(7)")]
    [InlineData("orders-x", "o...(8)")]
    [InlineData("inventory-services-of-berlin", "inv...(28)")]
    public void At_most_an_eighth_of_a_text_and_three_characters_are_shown(string text, string masked) =>
        Assert.Equal(masked, LoggableText.Masked(text));

    [Theory]
    [InlineData(true, "read reports:run")]
    [InlineData(false, "...(4) r...(11)")]
    public void Scopes_that_are_registered_are_shown_and_others_are_masked(bool areRegistered, string logged)
    {
        ImmutableArray<string> asked = ["read", "reports:run"];

        Assert.Equal(logged, LoggableText.Scopes(asked, areRegistered));
    }

    [Fact]
    public void No_scope_asked_is_nothing_to_log() => Assert.Equal("", LoggableText.Scopes(null, areRegistered: true));
}
