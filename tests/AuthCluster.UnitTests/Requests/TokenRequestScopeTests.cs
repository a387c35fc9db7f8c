using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Tokens;
using CsCheck;
using static AuthCluster.UnitTests.Requests.FormRequests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 6749 §3.3 and RFC 8707 §2: the syntax of requested scopes, resources and audiences.</summary>
public sealed class TokenRequestScopeTests
{
    [Theory]
    [InlineData("read", "read")]
    [InlineData("read write", "read|write")]
    [InlineData("read+write", "read|write")]
    [InlineData("read%20write", "read|write")]
    [InlineData("write read write", "write|read")]
    [InlineData("read READ", "read|READ")]
    [InlineData("!~#[]", "!~#[]")]
    public void Scopes_are_divided_by_one_space_however_it_is_encoded(string value, string scopes) =>
        Assert.Equal(scopes.Split('|'), Parse(Good + "&scope=" + value).Request!.RequestedScopes!.Value);

    [Theory]
    [InlineData("%20read")]
    [InlineData("read+")]
    [InlineData("read++write")]
    [InlineData("+")]
    [InlineData("read%09write")]
    [InlineData("read%C2%A0write")]
    [InlineData("read%0Awrite")]
    [InlineData("read%0D%0AX-Injected:%20yes")]
    [InlineData("read%00")]
    [InlineData("%22read%22")]
    [InlineData("read%5C")]
    [InlineData("r%C3%A9ad")]
    [InlineData("read%7F")]
    public void A_scope_outside_the_syntax_is_invalid(string value) =>
        Assert.Same(OAuthError.ScopeSyntax, Parse(Good + "&scope=" + value).Error);

    [Fact]
    public void A_scope_set_that_was_written_is_read_back_in_its_order() =>
        Gen.String[Gen.Char["!#$[]^az09:./"], 1, 6].Array[1, 30].Sample(tokens =>
        {
            var written = ScopeSet.Of(tokens);

            var read = Parse(Good + "&scope=" + Uri.EscapeDataString(written.ToString())).Request!.RequestedScopes!.Value;

            Assert.Equal(tokens.Distinct(StringComparer.Ordinal), read);
            Assert.Equal(written, ScopeSet.Of(read));
        });

    [Fact]
    public void A_scope_parameter_is_accepted_exactly_when_single_spaces_part_scope_tokens() =>
        Gen.String[Gen.Char["ab!~ \""], 1, 6].Sample(text => Assert.Equal(
            text.Split(' ').All(ScopeSet.IsScopeToken),
            Parse(Good + "&scope=" + Uri.EscapeDataString(text)) is { Succeeded: true, Request.RequestedScopes.IsEmpty: false }));

    [Fact]
    public void Seven_thousand_equal_scopes_are_one_and_two_hundred_and_one_different_ones_are_too_many()
    {
        Assert.Equal(["q"], Parse(Good + "&scope=" + string.Join('+', Enumerable.Repeat("q", 7_000))).Request!.RequestedScopes!.Value);
        Assert.True(Parse(Good + "&scope=" + string.Join('+', Enumerable.Range(0, 200))).Succeeded);
        Assert.Same(OAuthError.TooManyScopes, Parse(Good + "&scope=" + string.Join('+', Enumerable.Range(0, 201))).Error);
    }

    [Fact]
    public void Resources_and_audiences_may_repeat_and_audiences_may_share_a_value()
    {
        var request = Parse(Good + "&resource=https://one.example&resource=urn%3Aone&audience=a+b&audience=c").Request!;

        Assert.Equal(["https://one.example", "urn:one"], request.Resources);
        Assert.Equal(["a", "b", "c"], request.Audiences);
    }

    [Theory]
    [InlineData("https://one.example")]
    [InlineData("https://one.example/a?b=c")]
    [InlineData("urn:example:api")]
    [InlineData("http://localhost:8080")]
    [InlineData("https://[::1]:443/x")]
    [InlineData("api://0a1b/default")]
    [InlineData("https://one.example/%2525")]
    public void An_absolute_URI_is_a_resource(string resource) =>
        Assert.Equal([Uri.UnescapeDataString(resource)], Parse(Good + "&resource=" + resource).Request!.Resources);

    public static TheoryData<string> BadResources { get; } =
    [
        "inventory", "/api", "//one.example", "https:", "https:/one.example", "https://", "https:///x", "one.example/api", "https://one.example%23", "https://one.example%23fragment",
        "%20", "%00", "https://one.example/%20", "https://one.example/%0A", "https://one.example/%22", "https://one.example/%25zz", "1https://x", "https://%C3%A9.example", new string('a', 10_000), "a:" + new string('a', 512),
    ];

    [Theory]
    [MemberData(nameof(BadResources))]
    public void A_resource_that_is_no_absolute_URI_is_refused(string resource) =>
        Assert.Same(OAuthError.ResourceNotAbsolute, Parse(Good + "&resource=" + resource).Error);

    [Theory]
    [InlineData("%00")]
    [InlineData("a%0A")]
    [InlineData("%C3%A9")]
    [InlineData("https://one.example%23x")]
    public void An_audience_that_no_client_can_have_is_refused(string audience) =>
        Assert.Same(OAuthError.AudienceSyntax, Parse(Good + "&audience=" + audience).Error);

    [Fact]
    public void More_than_a_hundred_targets_are_refused()
    {
        Assert.True(Parse(Good + string.Concat(Enumerable.Repeat("&audience=a", 100))).Succeeded);
        Assert.Same(OAuthError.TooManyTargets, Parse(Good + string.Concat(Enumerable.Repeat("&audience=a", 101))).Error);
        Assert.Same(OAuthError.TooManyTargets, Parse(Good + "&audience=" + string.Join('+', Enumerable.Repeat("a", 101))).Error);
        Assert.Same(OAuthError.TooManyTargets, Parse(Good + string.Concat(Enumerable.Repeat("&resource=a:b&audience=a", 51))).Error);
    }
}
