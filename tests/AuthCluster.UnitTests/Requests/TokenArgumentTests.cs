using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Introspection;
using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Revocation;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 7662 §2.1 and RFC 7009 §2.1: requests about one token.</summary>
public sealed class TokenArgumentTests
{
    private const string Client = "client_id=api&client_secret=s3cr3t";

    public static TheoryData<bool> Both { get; } = [true, false];

    [Theory]
    [MemberData(nameof(Both))]
    public void A_token_with_credentials_is_read(bool introspection)
    {
        var request = Parse(introspection, $"token=ey.J%2E.x&token_type_hint=access_token&{Client}").Request!;

        Assert.Equal("ey.J..x", request.Token);
        Assert.Equal("access_token", request.TokenTypeHint);
        Assert.Equal("api", request.Client.ClientId.Value);
        Assert.Equal(ClientAuthMethod.ClientSecretPost, request.Client.Method);
        Assert.Equal("s3cr3t"u8, request.Client.Secret.Span);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Basic_works_and_a_hint_may_be_missing_or_nonsense(bool introspection)
    {
        Assert.Null(Parse(introspection, "token=x", FormRequests.Basic("api:x")).Request!.TokenTypeHint);
        Assert.Equal("nonsense", Parse(introspection, "token=x&token_type_hint=nonsense", FormRequests.Basic("api:x")).Request!.TokenTypeHint);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Any_text_is_a_token(bool introspection) =>
        Assert.Equal("\0 é\n", Parse(introspection, $"token=%00+%C3%A9%0A&{Client}").Request!.Token);

    [Theory]
    [InlineData("")]
    [InlineData("token=&" + Client)]
    [InlineData("token&" + Client)]
    [InlineData(Client)]
    public void A_missing_token_is_named(string body)
    {
        Assert.Same(OAuthError.MissingToken, Parse(true, body).Error);
        Assert.Same(OAuthError.MissingToken, Parse(false, body).Error);
    }

    [Theory]
    [InlineData("token=x&token=x&" + Client)]
    [InlineData("token=x&token_type_hint=a&token_type_hint=a&" + Client)]
    [InlineData("token=x&client_id=api&" + Client)]
    public void A_known_parameter_twice_is_refused(string body)
    {
        Assert.Same(OAuthError.RepeatedParameter, Parse(true, body).Error);
        Assert.Same(OAuthError.RepeatedParameter, Parse(false, body).Error);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Parameters_of_the_token_endpoint_are_unknown_to_introspection_and_revocation(bool introspection) =>
        Assert.True(Parse(introspection, $"token=x&scope=a&scope=b&grant_type=c&grant_type=d&{Client}").Succeeded);

    [Theory]
    [MemberData(nameof(Both))]
    public void The_client_is_read_by_the_rules_of_the_token_endpoint(bool introspection)
    {
        Assert.Same(OAuthError.NoClientCredentials, Parse(introspection, "token=x").Error);
        Assert.Same(OAuthError.SeveralClientAuthenticationMethods, Parse(introspection, $"token=x&{Client}", FormRequests.Basic("api:x")).Error);
        Assert.Same(OAuthError.AuthorizationSchemeNotBasic, Parse(introspection, "token=x", "Bearer x").Error);
        Assert.Same(OAuthError.CredentialsInQueryString, Parse(introspection, $"token=x&{Client}", query: "?token=x").Error);
        Assert.True(Parse(introspection, "token=x&client_id=a%20b&client_secret=c").ClientIdIsMasked);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Neither_token_nor_secret_is_printed(bool introspection)
    {
        var request = Parse(introspection, $"token=t0k3n&{Client}").Request!;

        Assert.DoesNotContain("t0k3n", request.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", request.Client.ToString(), StringComparison.Ordinal);
    }

    private static ParsedRequest<TokenArgument> Parse(bool introspection, string body, string? authorization = null, string query = "")
    {
        var input = FormRequests.Input(Encoding.UTF8.GetBytes(body), authorization is null ? [] : [authorization], FormRequests.Form, query);
        return introspection ? IntrospectionRequestParser.Parse(input) : RevocationRequestParser.Parse(input);
    }
}
