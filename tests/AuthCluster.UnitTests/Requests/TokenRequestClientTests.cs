using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;
using static AuthCluster.UnitTests.Requests.FormRequests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 6749 §2.3 and RFC 7617: how a client says who it is.</summary>
public sealed class TokenRequestClientTests
{
    private const string Assertion = "&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

    [Fact]
    public void Basic_credentials_are_read()
    {
        var parsed = Parse(Grant, Basic("orders:s3cr3t"));

        Assert.Equal("orders", parsed.Request!.Client.ClientId.Value);
        Assert.Equal("s3cr3t", parsed.Request.Secret());
        Assert.Equal(ClientAuthMethod.ClientSecretBasic, parsed.Request.Client.Method);
    }

    [Theory]
    [InlineData("basic ")]
    [InlineData("BASIC ")]
    [InlineData("Basic   ")]
    [InlineData(" Basic ")]
    public void The_scheme_is_read_in_any_case_and_with_several_spaces(string scheme) =>
        Assert.True(Parse(Grant, scheme + "b3JkZXJzOnMzY3IzdA== ").Succeeded);

    [Theory]
    [InlineData("a%2Bb%20c%25d%3Ae%2Ff%3Dg", "a+b c%d:e/f=g")]
    [InlineData("a+b", "a b")]
    [InlineData("a%2Bb", "a+b")]
    [InlineData("a:b", "a:b")]
    [InlineData("a%3Ab", "a:b")]
    [InlineData(":", ":")]
    [InlineData("%C3%A9", "é")]
    [InlineData("%00", "\0")]
    public void The_secret_is_form_decoded_after_base64_and_the_first_colon_divides(string encoded, string secret) =>
        Assert.Equal(secret, Parse(Grant, Basic("orders:" + encoded)).Request!.Secret());

    [Fact]
    public void The_id_is_form_decoded_too() =>
        Assert.Equal("or.ders", Parse(Grant, Basic("or%2Eders:x")).Request!.Client.ClientId.Value);

    [Fact]
    public void An_id_with_a_colon_that_is_encoded_is_not_cut()
    {
        var request = Parse(Grant, Basic("http%3A%2F%2Fadfs%2Fx:y:z")).Request!;

        Assert.Equal("http://adfs/x", request.Client.ClientId.Value);
        Assert.Equal("y:z", request.Secret());
    }

    public static TheoryData<string> Malformed { get; } =
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic b3JkZXJzOnMzY3IzdA",
        "Basic b3JkZXJzOnMzY3IzdA== trailing",
        "Basic b3Jk ZXJzOnMzY3IzdA==",
        "Basic b3JkZXJzOnMzY3IzdA==, Basic b3JkZXJzOnMzY3IzdA==",
        "Basic b3JkZXJzOnMzY3IzdA==\n",
        "Basic dXN1YWw=",
        "Basic é",
        Basic("orders:%"),
        Basic("orders:%f"),
        Basic("%zz:x"),
        Basic("orders:%ff%fe"),
        Basic("orders:\xff"),
        "Basic " + new string('A', 32_001),
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_Basic_header_that_cannot_be_read_is_malformed(string authorization) =>
        Assert.Same(OAuthError.MalformedBasicCredentials, Parse(Grant, authorization).Error);

    [Theory]
    [InlineData("Bearer abc")]
    [InlineData("Digest username=\"orders\"")]
    [InlineData("Basically abc")]
    [InlineData("nonsense")]
    public void Another_scheme_is_named(string authorization)
    {
        Assert.Same(OAuthError.AuthorizationSchemeNotBasic, Parse(Grant, authorization).Error);
        Assert.Same(OAuthError.AuthorizationSchemeNotBasic, Parse(Good, authorization).Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&client_id=orders")]
    [InlineData("&client_id=orders&client_secret=")]
    [InlineData("&client_secret=x")]
    [InlineData("&client_id=&client_secret=x")]
    public void A_body_without_an_id_or_without_a_secret_has_no_credentials(string body)
    {
        Assert.Same(OAuthError.NoClientCredentials, Parse(Grant + body).Error);
        Assert.Same(OAuthError.NoClientCredentials, Parse(Encoding.ASCII.GetBytes(Grant + body), [""]).Error);
    }

    [Theory]
    [InlineData("orders:")]
    [InlineData(":x")]
    [InlineData(":")]
    public void A_Basic_header_without_an_id_or_without_a_secret_has_no_credentials(string pair) =>
        Assert.Same(OAuthError.NoClientCredentials, Parse(Grant, Basic(pair)).Error);

    [Fact]
    public void Two_Authorization_headers_are_refused_also_when_they_agree() =>
        Assert.Same(OAuthError.SeveralAuthorizationHeaders, Parse(Encoding.ASCII.GetBytes(Grant), [Basic("orders:x"), Basic("orders:x")]).Error);

    [Theory]
    [InlineData(Good, true)]
    [InlineData(Grant + "&client_secret=s3cr3t", true)]
    [InlineData(Grant + Assertion, true)]
    [InlineData(Grant + "&client_assertion=a.b.c", true)]
    [InlineData(Grant + "&client_assertion_type=x", true)]
    [InlineData(Good + Assertion, false)]
    [InlineData(Good + "&client_assertion_type=x", false)]
    public void Two_methods_in_one_request_are_refused(string body, bool withBasic) =>
        Assert.Same(OAuthError.SeveralClientAuthenticationMethods, Parse(body, withBasic ? Basic("orders:s3cr3t") : null).Error);

    [Theory]
    [InlineData(Assertion)]
    [InlineData("&client_id=orders" + Assertion)]
    public void An_assertion_alone_is_a_method_that_is_not_offered(string body) =>
        Assert.Same(OAuthError.ClientAuthenticationMethodNotSupported, Parse(Grant + body).Error);

    [Theory]
    [InlineData("&client_id=orders")]
    [InlineData("&client_id=or%64ers")]
    [InlineData("&client_id=")]
    [InlineData("&client_secret=")]
    public void Basic_with_the_same_id_in_the_body_is_one_method(string body) =>
        Assert.Equal(ClientAuthMethod.ClientSecretBasic, Parse(Grant + body, Basic("orders:x")).Request!.Client.Method);

    [Theory]
    [InlineData("&client_id=other")]
    [InlineData("&client_id=Orders")]
    [InlineData("&client_id=orders%00")]
    public void Basic_with_another_id_in_the_body_is_refused(string body) =>
        Assert.Same(OAuthError.ClientIdMismatch, Parse(Grant + body, Basic("orders:x")).Error);

    public static TheoryData<string> Unloggable { get; } =
    [
        "orders%00", "us%0D%0Aual", "%E2%80%AEorders", "a%20b", ".", "..", "acs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_87dfb854", new string('a', 201), new string('a', 15_000),
    ];

    [Theory]
    [MemberData(nameof(Unloggable))]
    public void An_id_outside_the_grammar_fails_as_an_unknown_one_and_must_not_be_logged(string id)
    {
        foreach (var parsed in (ParsedRequest<TokenRequest>[])[Parse($"{Grant}&client_id={id}&client_secret=x"), Parse(Grant, Basic($"{id}:x"))])
        {
            Assert.Same(OAuthError.ClientAuthenticationFailed, parsed.Error);
            Assert.Null(parsed.ClientId);
            Assert.True(parsed.ClientIdIsMasked);
            Assert.Equal("invalid_client of (masked)", parsed.ToString());
        }
    }

    [Fact]
    public void A_header_alone_is_read_for_requests_without_a_form()
    {
        var parsed = ClientAuthentication.ParseHeader([Basic("orders:x")], "?after=1");

        Assert.Equal("orders", parsed.Request!.ClientId.Value);
        Assert.Same(OAuthError.NoClientCredentials, ClientAuthentication.ParseHeader([], "").Error);
        Assert.Same(OAuthError.AuthorizationSchemeNotBasic, ClientAuthentication.ParseHeader(["Bearer x"], "").Error);
        Assert.Same(OAuthError.SeveralAuthorizationHeaders, ClientAuthentication.ParseHeader([Basic("a:b"), Basic("a:b")], "").Error);
        Assert.Same(OAuthError.CredentialsInQueryString, ClientAuthentication.ParseHeader([Basic("a:b")], "?client_id=a").Error);
    }
}
