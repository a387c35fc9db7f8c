using System.Collections.Immutable;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>RFC 8707 §2 and RFC 9068 §3: whom a token is for.</summary>
public sealed class AudienceSelectionTests
{
    private const string Issuer = "https://auth.example";
    private const string One = "https://one.example/api";
    private const string Two = "https://two.example/api";

    private static readonly ImmutableArray<string> Registered = [One, Two, "inventory"];

    [Fact]
    public void Without_a_requested_audience_a_token_is_for_all_audiences_of_the_client() =>
        Assert.Equal(Registered, Select([], []));

    [Fact]
    public void A_client_without_audiences_has_the_default_one() =>
        Assert.Equal(["https://default.example"], AudienceSelection.Effective([], "https://default.example"));

    [Fact]
    public void Requested_audiences_are_granted_once_each_in_the_order_of_registration()
    {
        Assert.Equal([Two], Select([], [Two]));
        Assert.Equal([One, "inventory"], Select(["inventory", "inventory"], [One]));
        Assert.Equal(Registered, Select(["inventory", Two], [One]));
    }

    [Theory]
    [InlineData("https://three.example")]
    [InlineData(One + "/")]
    [InlineData("https://ONE.example/api")]
    [InlineData(Issuer)]
    public void A_request_for_an_audience_that_the_client_does_not_have_is_refused_as_a_whole(string wish)
    {
        Assert.Null(Select([wish], []));
        Assert.Null(Select([], [wish]));
        Assert.Null(Select([One, wish], []));
    }

    [Fact]
    public void A_token_with_a_scope_of_this_server_is_only_for_the_issuer() =>
        Assert.Equal([Issuer], Select([], [], "read", "authcluster:admin"));

    [Fact]
    public void With_a_scope_of_this_server_no_audience_but_the_issuer_may_be_requested()
    {
        Assert.Equal([Issuer], Select([Issuer], [Issuer], "authcluster:read"));
        Assert.Null(Select([One], [], "authcluster:read"));
        Assert.Null(Select([], [Issuer, One], "authcluster:read"));
        Assert.Null(Select([Issuer], ["inventory"], "authcluster:introspect"));
    }

    [Theory]
    [InlineData("inventory")]
    [InlineData("https://one.example?x=%20")]
    [InlineData("name#1")]
    [InlineData("!")]
    public void Names_and_URIs_are_audiences(string text) => Assert.True(Audience.IsAcceptable(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("a\u007F")]
    [InlineData("https://one.example#x")]
    [InlineData("urn:x#")]
    public void Text_that_is_no_name_and_no_absolute_URI_is_no_audience(string? text) => Assert.False(Audience.IsAcceptable(text));

    [Fact]
    public void An_audience_has_512_characters_at_most()
    {
        Assert.True(Audience.IsAcceptable(new string('a', 512)));
        Assert.False(Audience.IsAcceptable(new string('a', 513)));
    }

    private static ImmutableArray<string>? Select(ImmutableArray<string> audiences, ImmutableArray<string> resources, params string[] granted) =>
        AudienceSelection.TrySelect(Registered, audiences, resources, ScopeSet.Of(granted), Issuer, out var selected) ? selected : null;
}
