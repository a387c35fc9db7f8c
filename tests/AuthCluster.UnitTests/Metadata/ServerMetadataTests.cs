using System.Text;
using AuthCluster.Protocol.Metadata;

namespace AuthCluster.UnitTests.Metadata;

/// <summary>RFC 8414: the metadata document and the issuer.</summary>
public sealed class ServerMetadataTests
{
    [Fact]
    public void The_document_lists_what_works_and_nothing_else() =>
        Assert.Equal(
            """{"issuer":"https://auth.example","token_endpoint":"https://auth.example/oauth/token","token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"jwks_uri":"https://auth.example/.well-known/jwks.json","response_types_supported":[],"grant_types_supported":["client_credentials"],"introspection_endpoint":"https://auth.example/oauth/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"revocation_endpoint":"https://auth.example/oauth/revoke","revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]}""",
            Json(new ServerMetadata { Issuer = Issuer("https://auth.example") }));

    [Fact]
    public void Introspection_and_revocation_are_listed_below_the_path_of_the_issuer() =>
        Assert.EndsWith(
            ""","introspection_endpoint":"https://auth.example/t1/oauth/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"revocation_endpoint":"https://auth.example/t1/oauth/revoke","revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]}""",
            Json(new ServerMetadata { Issuer = Issuer("https://auth.example/t1") }),
            StringComparison.Ordinal);

    [Fact]
    public void The_document_for_OpenID_tools_names_the_algorithms_of_the_keys_and_the_one_kind_of_subject() =>
        Assert.EndsWith(
            ""","introspection_endpoint":"https://auth.example/oauth/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"revocation_endpoint":"https://auth.example/oauth/revoke","revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"id_token_signing_alg_values_supported":["ES256","PS256"],"subject_types_supported":["public"]}""",
            Encoding.UTF8.GetString(new ServerMetadata { Issuer = Issuer("https://auth.example") }.ToOpenIdJson(["ES256", "PS256"])),
            StringComparison.Ordinal);

    [Fact]
    public void The_issuer_is_kept_character_for_character_and_its_slash_is_not_doubled_in_URLs()
    {
        var document = Json(new ServerMetadata { Issuer = Issuer("https://Auth.Example:443/") });

        Assert.StartsWith("""{"issuer":"https://Auth.Example:443/","token_endpoint":"https://Auth.Example:443/oauth/token",""", document, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://h", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/openid-configuration")]
    [InlineData("https://h/", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/openid-configuration")]
    [InlineData("https://h/t1", "/.well-known/oauth-authorization-server/t1", "/t1/.well-known/openid-configuration", "/.well-known/openid-configuration/t1")]
    [InlineData("https://h/a/b/", "/.well-known/oauth-authorization-server/a/b", "/a/b/.well-known/openid-configuration", "/.well-known/openid-configuration/a/b")]
    public void The_well_known_path_goes_between_host_and_path(string issuer, string metadata, string openId, string openIdInserted)
    {
        Assert.Equal(metadata, Issuer(issuer).MetadataPath);
        Assert.Equal(openId, Issuer(issuer).OpenIdConfigurationPath);
        Assert.Equal(openIdInserted, Issuer(issuer).OpenIdConfigurationInsertedPath);
    }

    [Theory]
    [InlineData("https://auth.example", true, false)]
    [InlineData("http://auth.example", false, false)]
    [InlineData("http://localhost:8080", false, true)]
    [InlineData("http://127.0.0.1:8080", false, true)]
    [InlineData("http://127.1.2.3", false, true)]
    [InlineData("http://[::1]:8080", false, true)]
    [InlineData("http://localhost.evil.example", false, false)]
    [InlineData("https://auth.example/Tenant-1/~x", true, false)]
    public void An_issuer_tells_whether_it_is_https_and_whether_it_is_this_machine(string text, bool https, bool loopback)
    {
        Assert.Equal(https, Issuer(text).IsHttps);
        Assert.Equal(loopback, Issuer(text).IsLoopback);
        Assert.Equal(text, Issuer(text).Value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" https://h")]
    [InlineData("https://h ")]
    [InlineData("auth.example")]
    [InlineData("/auth")]
    [InlineData("ftp://h")]
    [InlineData("HTTPS://h")]
    [InlineData("https:h")]
    [InlineData("https:///x")]
    [InlineData("https://")]
    [InlineData("https://h?a=b")]
    [InlineData("https://h?")]
    [InlineData("https://h#x")]
    [InlineData("https://h#")]
    [InlineData("https://user@h")]
    [InlineData("https://user:pass@h")]
    [InlineData("https://@h")]
    [InlineData("https://h/a//b")]
    [InlineData("https://h//")]
    [InlineData("https://h/../x")]
    [InlineData("https://h/.")]
    [InlineData("https://h/%41")]
    [InlineData("https://h/a b")]
    [InlineData("https://h\\x")]
    [InlineData("https://ä.example")]
    [InlineData("https://h:99999")]
    public void Text_that_is_no_issuer_is_refused_with_a_reason(string? text)
    {
        Assert.False(IssuerUri.TryParse(text, out _, out var problem));
        Assert.False(string.IsNullOrEmpty(problem));
    }

    [Fact]
    public void An_issuer_has_512_characters_at_most()
    {
        Assert.True(IssuerUri.TryParse("https://h/" + new string('a', 502), out _, out _));
        Assert.False(IssuerUri.TryParse("https://h/" + new string('a', 503), out _, out _));
    }

    private static IssuerUri Issuer(string text) => IssuerUri.TryParse(text, out var issuer, out var problem) ? issuer : throw new ArgumentException(problem);

    private static string Json(ServerMetadata metadata) => Encoding.UTF8.GetString(metadata.ToJson());
}
