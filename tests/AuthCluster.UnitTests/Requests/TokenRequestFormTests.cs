using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;
using CsCheck;
using static AuthCluster.UnitTests.Requests.FormRequests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 6749 §3.2, §4.4.2 and appendix B: the form of a token request.</summary>
public sealed class TokenRequestFormTests
{
    [Fact]
    public void A_request_with_credentials_in_the_body_is_read()
    {
        var parsed = Parse(Good + "&scope=read+write");

        Assert.True(parsed.Succeeded);
        Assert.Equal("orders", parsed.Request.Client.ClientId.Value);
        Assert.Equal("s3cr3t", parsed.Request.Secret());
        Assert.Equal(ClientAuthMethod.ClientSecretPost, parsed.Request.Client.Method);
        Assert.Equal(["read", "write"], parsed.Request.RequestedScopes!.Value);
        Assert.Empty(parsed.Request.Audiences);
        Assert.Empty(parsed.Request.Resources);
        Assert.Equal("orders", parsed.ClientId?.Value);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/x-www-form-urlencoded; charset=UTF-8")]
    [InlineData("application/x-www-form-urlencoded;charset=utf-8")]
    [InlineData("application/x-www-form-urlencoded ; charset=iso-8859-1")]
    [InlineData("APPLICATION/X-WWW-Form-Urlencoded")]
    public void The_media_type_of_a_form_is_read_in_any_case_and_with_parameters(string contentType) =>
        Assert.True(Parse(Good, contentType: contentType).Succeeded);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("application/json")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded-not")]
    [InlineData("application/x-www-form-urlencoded, application/json")]
    public void Another_media_type_is_no_form(string? contentType) =>
        Assert.Same(OAuthError.NotAForm, Parse(Good, contentType: contentType).Error);

    [Theory]
    [InlineData("client_id=orders")]
    [InlineData("?client_secret=x")]
    [InlineData("?a=b&client%5Fsecret=x")]
    [InlineData("?client_assertion=a")]
    [InlineData("?client_assertion_type=a")]
    [InlineData("?access_token=a")]
    [InlineData("?token=a")]
    [InlineData("?client_secret")]
    public void Credentials_in_the_query_string_are_refused(string query) =>
        Assert.Same(OAuthError.CredentialsInQueryString, Parse(Good, query: query).Error);

    [Theory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("?tenant=1&scope=x&%zz=1&client_i=x")]
    public void Other_parameters_of_the_query_string_are_ignored(string query)
    {
        var parsed = Parse(Good, query: query);

        Assert.True(parsed.Succeeded);
        Assert.Null(parsed.Request.RequestedScopes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("client_id=orders&client_secret=x")]
    [InlineData("grant_type=&client_id=orders&client_secret=x")]
    [InlineData("grant_type&client_id=orders&client_secret=x")]
    [InlineData("Grant_type=client_credentials&client_id=orders&client_secret=x")]
    [InlineData("====")]
    public void A_missing_or_empty_grant_type_is_named(string body) =>
        Assert.Same(OAuthError.MissingGrantType, Parse(body).Error);

    [Theory]
    [InlineData("%")]
    [InlineData(Good + "&scope=%")]
    [InlineData(Good + "&scope=%2")]
    [InlineData(Good + "&scope=%zz")]
    [InlineData(Good + "&unknown=%g0")]
    [InlineData(Good + "&%=1")]
    [InlineData(Good + "&a=%%20")]
    [InlineData(Good + "&a=%2&b=0")]
    public void A_percent_sign_without_two_digits_is_malformed(string body) =>
        Assert.Same(OAuthError.MalformedForm, Parse(body).Error);

    [Theory]
    [InlineData(Good + "&a=%ff")]
    [InlineData(Good + "&a=%c3")]
    [InlineData(Good + "&a=%c3&b=%a9")]
    [InlineData(Good + "&a=%ed%a0%80")]
    [InlineData(Good + "&a=%c0%80")]
    [InlineData(Good + "&%ff=1")]
    public void Bytes_that_are_not_UTF_8_once_decoded_are_refused(string body) =>
        Assert.Same(OAuthError.FormNotUtf8, Parse(body).Error);

    [Fact]
    public void Raw_bytes_that_are_not_UTF_8_are_refused() =>
        Assert.Same(OAuthError.FormNotUtf8, Parse(Encoding.Latin1.GetBytes(Good + "&a=é")).Error);

    [Fact]
    public void Raw_UTF_8_is_read() => Assert.True(Parse(Good + "&a=é").Succeeded);

    [Theory]
    [InlineData(Grant + "&" + Good)]
    [InlineData(Good + "&client_id=orders")]
    [InlineData(Good + "&client_secret=s3cr3t")]
    [InlineData(Good + "&scope=read&scope=write")]
    [InlineData(Good + "&scope=read&scope=read")]
    [InlineData(Good + "&scope=read&scope=")]
    [InlineData(Good + "&scope&scope")]
    [InlineData(Good + "&s%63ope=read&scope=write")]
    [InlineData(Good + "&client_assertion=&client_assertion=")]
    [InlineData(Good + "&client_assertion_type=&client_assertion_type=")]
    [InlineData(Good + "&%63%6c%69%65%6e%74%5f%61%73%73%65%72%74%69%6f%6e%5f%74%79%70%65=&client_assertion_type=")]
    public void A_known_parameter_twice_is_refused_also_where_a_value_is_empty(string body) =>
        Assert.Same(OAuthError.RepeatedParameter, Parse(body).Error);

    [Theory]
    [InlineData("&unknown=1")]
    [InlineData("&unknown=1&unknown=2")]
    [InlineData("&unknown")]
    [InlineData("&=x")]
    [InlineData("&&&")]
    [InlineData("&SCOPE=x&scope%20=x")]
    [InlineData("&token=x&token=y&access_token=z")]
    [InlineData("&scope=")]
    [InlineData("&scope")]
    [InlineData("&resource=&audience=&resource&audience")]
    [InlineData("&client_assertion=&client_assertion_type=")]
    public void Unknown_parameters_are_ignored_and_empty_values_count_as_absent(string more)
    {
        var parsed = Parse(Good + more);

        Assert.True(parsed.Succeeded, parsed.Error?.ToString());
        Assert.Null(parsed.Request.RequestedScopes);
        Assert.Empty(parsed.Request.Resources);
        Assert.Empty(parsed.Request.Audiences);
    }

    [Fact]
    public void Parameters_may_come_in_any_order_and_encoded()
    {
        var parsed = Parse("scope=a%2Bb&%67rant_type=client%5Fcredentials&client_secret=a%20b+c&client_id=or%64ers");

        Assert.True(parsed.Succeeded);
        Assert.Equal("orders", parsed.Request.Client.ClientId.Value);
        Assert.Equal("a b c", parsed.Request.Secret());
        Assert.Equal(["a+b"], parsed.Request.RequestedScopes!.Value);
    }

    [Fact]
    public void A_value_is_all_after_the_first_equals_sign() =>
        Assert.Equal("a=b==", Parse(Grant + "&client_id=orders&client_secret=a=b==").Request!.Secret());

    [Theory]
    [InlineData("password")]
    [InlineData("authorization_code")]
    [InlineData("refresh_token")]
    [InlineData("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange")]
    [InlineData("Client_Credentials")]
    [InlineData("client_credentials%20")]
    [InlineData("client_credentials%00")]
    public void A_grant_that_the_server_does_not_know_is_unsupported(string grant)
    {
        var parsed = Parse($"grant_type={grant}&client_id=orders&client_secret=x");

        Assert.Same(OAuthError.UnsupportedGrantType, parsed.Error);
        Assert.Equal("orders", parsed.ClientId?.Value);
    }

    [Fact]
    public void Thousands_of_unknown_parameters_are_ignored_and_ten_thousand_are_refused()
    {
        Assert.True(Parse(Good + string.Concat(Enumerable.Repeat("&a=1", 3_900))).Succeeded);
        Assert.Same(OAuthError.TooManyParameters, Parse(Good + string.Concat(Enumerable.Repeat("&a", 10_000))).Error);
        Assert.Same(OAuthError.TooManyParameters, Parse(new string('&', 16_000)).Error);
    }

    [Fact]
    public void The_check_that_comes_first_answers()
    {
        Assert.Same(OAuthError.NotAForm, Parse("%", contentType: "text/plain", query: "?client_secret=x").Error);
        Assert.Same(OAuthError.CredentialsInQueryString, Parse(Encoding.ASCII.GetBytes("%"), ["Basic a", "Basic b"], query: "?client_secret=x").Error);
        Assert.Same(OAuthError.SeveralAuthorizationHeaders, Parse(Encoding.ASCII.GetBytes("%"), ["Basic a", "Basic b"]).Error);
        Assert.Same(OAuthError.MalformedForm, Parse("scope=1&scope=2&a=%ff&b=%").Error);
        Assert.Same(OAuthError.FormNotUtf8, Parse("scope=1&scope=2&a=%ff").Error);
        Assert.Same(OAuthError.RepeatedParameter, Parse("scope=1&scope=2").Error);
        Assert.Same(OAuthError.MissingGrantType, Parse("scope=%20").Error);
        Assert.Same(OAuthError.NoClientCredentials, Parse("grant_type=password&scope=%20").Error);
        Assert.Same(OAuthError.UnsupportedGrantType, Parse("grant_type=password&client_id=a&client_secret=b&scope=%20").Error);
        Assert.Same(OAuthError.ScopeSyntax, Parse(Good + "&scope=%20&resource=x").Error);
    }

    [Fact]
    public void Random_bytes_as_a_form_never_throw() =>
        Gen.Select(Gen.Byte.Array, Gen.String).Sample((body, header) =>
        {
            var parsed = Parse(body, [header]);
            Assert.True(parsed.Succeeded || OAuthErrorTests.All.Contains(parsed.Error));
        });

    [Fact]
    public void Random_forms_of_the_alphabet_that_matters_never_throw() =>
        Gen.Select(
            Gen.OneOf("grant_type", "scope", "client_id", "client_secret", "resource", "audience", "client_assertion", "%", "%4", "x", "%73cope", "").Array[0, 12],
            Gen.OneOf("client_credentials", "a", "", "%00", "%ff", "a b", "+", "https://x", "=", "%").Array[12])
            .Sample((names, values) =>
            {
                var body = string.Join('&', names.Select((name, position) => $"{name}={values[position]}"));
                var parsed = Parse(body, Basic("a:b"));
                Assert.True(parsed.Succeeded || OAuthErrorTests.All.Contains(parsed.Error));
            });

    [Fact]
    public void What_a_form_encoder_wrote_is_read_back() =>
        Gen.Select(Gen.String.Where(text => text.Length > 0 && !text.Any(char.IsSurrogate)), Gen.Bool).Sample((secret, plus) =>
        {
            var encoded = Uri.EscapeDataString(secret);
            encoded = plus ? encoded.Replace("%20", "+", StringComparison.Ordinal) : encoded;

            Assert.Equal(secret, Parse($"{Grant}&client_id=orders&client_secret={encoded}").Request!.Secret());
            Assert.Equal(secret, Parse(Grant, Basic($"orders:{encoded}")).Request!.Secret());
        });

    [Fact]
    public void Nothing_secret_is_printed()
    {
        var parsed = Parse(Good);

        Assert.DoesNotContain("s3cr3t", parsed.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", parsed.Request!.ToString(), StringComparison.Ordinal);
    }
}
