using System.Collections.Immutable;
using AuthCluster.Protocol.Tokens;
using CsCheck;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>RFC 6749 §3.3: scopes.</summary>
public sealed class ScopeSetTests
{
    private static readonly Gen<string> Token = Gen.String[Gen.Char["!#$[]^az09:./"], 1, 6];

    [Fact]
    public void Every_character_of_the_grammar_and_no_other_makes_a_scope_token()
    {
        for (var code = 0; code < 0x250; code++)
        {
            var expected = code is 0x21 or (>= 0x23 and <= 0x5B) or (>= 0x5D and <= 0x7E);
            Assert.Equal(expected, ScopeSet.IsScopeToken(((char)code).ToString()));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a b")]
    public void An_empty_text_and_several_tokens_are_no_scope_token(string? text) => Assert.False(ScopeSet.IsScopeToken(text));

    [Fact]
    public void Making_a_scope_set_of_an_invalid_token_throws() =>
        Assert.Throws<ArgumentException>(() => ScopeSet.Of("a b"));

    [Theory]
    [InlineData("write", "write")]
    [InlineData("write read", "read write")]
    [InlineData("read read", "read")]
    [InlineData("delete write read", "read write delete")]
    public void Requested_scopes_are_granted_once_each_in_the_order_of_registration(string asked, string granted) =>
        Assert.Equal(granted, Grant("read write delete", "read", asked));

    [Theory]
    [InlineData("admin")]
    [InlineData("read admin")]
    [InlineData("READ")]
    public void One_scope_that_is_not_registered_refuses_the_whole_request(string asked) =>
        Assert.Null(Grant("read write delete", "read", asked));

    [Theory]
    [InlineData("write read", "read write")]
    [InlineData("delete", "delete")]
    [InlineData("", "")]
    [InlineData("read write delete", "read write delete")]
    public void Without_requested_scopes_the_default_scopes_are_granted_in_the_order_of_registration(string defaults, string granted) =>
        Assert.Equal(granted, Grant("read write delete", defaults, null));

    [Fact]
    public void A_client_without_scopes_gets_none_and_may_ask_for_none()
    {
        Assert.Equal("", Grant("", "", null));
        Assert.Null(Grant("", "", "read"));
    }

    [Fact]
    public void Requested_scopes_are_granted_exactly_when_all_of_them_are_registered() =>
        Gen.Select(Token.Array[0, 20], Token.Array[0, 20], Gen.Int[0, 1_000_000]).Sample((registered, other, seed) =>
        {
            var set = ScopeSet.Of(registered);
            var random = new Random(seed);
            var asked = registered.Where(_ => random.Next(2) == 0).Concat(random.Next(4) == 0 ? other : []).ToArray();
            random.Shuffle(asked);

            var allowed = ScopeSet.TryGrant(set, ScopeSet.Empty, [.. asked], out var granted);

            Assert.Equal(asked.All(registered.Contains), allowed);
            if (allowed)
            {
                Assert.Equal(set.Items.Where(asked.Contains), granted!.Items);
            }
        });

    [Theory]
    [InlineData("read authcluster:read", true)]
    [InlineData("authcluster:", true)]
    [InlineData("read", false)]
    [InlineData("xauthcluster:read Authcluster:read", false)]
    public void A_scope_of_this_server_is_known_by_its_prefix(string scopes, bool expected) =>
        Assert.Equal(expected, Set(scopes).HasServerScope);

    private static string? Grant(string registered, string defaults, string? asked) =>
        ScopeSet.TryGrant(Set(registered), Set(defaults), asked is null ? (ImmutableArray<string>?)null : [.. asked.Split(' ')], out var granted)
            ? granted.ToString()
            : null;

    private static ScopeSet Set(string scopes) => scopes.Length == 0 ? ScopeSet.Empty : ScopeSet.Of(scopes.Split(' '));
}
