using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 7662 §2.1 and RFC 7009 §2.1: requests about one token.</summary>
public sealed class TokenArgumentTests
{
    private const string Client = "client_id=api&client_secret=s3cr3t";

    [Fact]
    public void A_token_with_credentials_is_read()
    {
        var request = Parse($"token=ey.J%2E.x&token_type_hint=access_token&{Client}").Request!;

        Assert.Equal("ey.J..x", request.Token);
        Assert.Equal("api", request.Client.ClientId.Value);
        Assert.Equal(ClientAuthMethod.ClientSecretPost, request.Client.Method);
        Assert.Equal("s3cr3t"u8, request.Client.Secret.Span);
    }

    [Theory]
    [InlineData("token=x")]
    [InlineData("token=x&token_type_hint=nonsense")]
    [InlineData("token=x&token_type_hint=")]
    public void Basic_works_and_a_hint_may_be_missing_or_nonsense(string body)
    {
        var request = Parse(body, FormRequests.Basic("api:x")).Request!;

        Assert.Equal("x", request.Token);
        Assert.Equal(ClientAuthMethod.ClientSecretBasic, request.Client.Method);
    }

    [Fact]
    public void Any_text_is_a_token() =>
        Assert.Equal("\0 é\n", Parse($"token=%00+%C3%A9%0A&{Client}").Request!.Token);

    [Theory]
    [InlineData("")]
    [InlineData("token=&" + Client)]
    [InlineData("token&" + Client)]
    [InlineData(Client)]
    public void A_missing_token_is_named(string body) =>
        Assert.Same(OAuthError.MissingToken, Parse(body).Error);

    [Theory]
    [InlineData("token=x&token=x&" + Client)]
    [InlineData("token=x&token_type_hint=a&token_type_hint=a&" + Client)]
    [InlineData("token=x&client_id=api&" + Client)]
    public void A_known_parameter_twice_is_refused(string body) =>
        Assert.Same(OAuthError.RepeatedParameter, Parse(body).Error);

    [Fact]
    public void Parameters_of_the_token_endpoint_are_unknown_to_introspection_and_revocation() =>
        Assert.True(Parse($"token=x&scope=a&scope=b&grant_type=c&grant_type=d&{Client}").Succeeded);

    [Fact]
    public void The_client_is_read_by_the_rules_of_the_token_endpoint()
    {
        Assert.Same(OAuthError.NoClientCredentials, Parse("token=x").Error);
        Assert.Same(OAuthError.SeveralClientAuthenticationMethods, Parse($"token=x&{Client}", FormRequests.Basic("api:x")).Error);
        Assert.Same(OAuthError.AuthorizationSchemeNotBasic, Parse("token=x", "Bearer x").Error);
        Assert.Same(OAuthError.CredentialsInQueryString, Parse($"token=x&{Client}", query: "?token=x").Error);
        Assert.True(Parse("token=x&client_id=a%20b&client_secret=c").ClientIdIsMasked);
    }

    [Fact]
    public void Neither_token_nor_secret_is_printed()
    {
        var request = Parse($"token=t0k3n&{Client}").Request!;

        Assert.DoesNotContain("t0k3n", request.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", request.Client.ToString(), StringComparison.Ordinal);
    }

    private static ParsedRequest<TokenArgument> Parse(string body, string? authorization = null, string query = "")
    {
        var input = FormRequests.Input(Encoding.UTF8.GetBytes(body), authorization is null ? [] : [authorization], FormRequests.Form, query);
        return TokenArgumentParser.Parse(input);
    }
}
