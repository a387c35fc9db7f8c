using System.Buffers;
using System.Text;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>RFC 6749 §5.1 and §5.2: the bodies.</summary>
public sealed class TokenResponseTests
{
    [Fact]
    public void The_body_has_exactly_the_four_members_in_their_order() =>
        Assert.Equal(
            """{"access_token":"ab.cd-._~+/==","token_type":"Bearer","expires_in":3600,"scope":"read write:a[1]"}""",
            Written(writer => TokenResponse.Write(writer, "ab.cd-._~+/==", 3600, "read write:a[1]")));

    [Fact]
    public void An_empty_scope_is_there_too() =>
        Assert.EndsWith(""","scope":""}""", Written(writer => TokenResponse.Write(writer, "a", 1, "")), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "read")]
    [InlineData("a\"b", "read")]
    [InlineData("a b", "read")]
    [InlineData("é", "read")]
    [InlineData("a", "re\"ad")]
    [InlineData("a", "re\\ad")]
    [InlineData("a", "re\nad")]
    [InlineData("a", "réad")]
    public void What_JSON_would_have_to_escape_is_a_fault_of_the_caller(string token, string scope) =>
        Assert.Throws<ArgumentException>(() => Written(writer => TokenResponse.Write(writer, token, 1, scope)));

    [Fact]
    public void An_error_is_written_as_it_is() =>
        Assert.Equal(
            """{"error":"invalid_client","error_description":"Client authentication failed"}""",
            Written(writer => TokenResponse.WriteError(writer, OAuthError.ClientAuthenticationFailed)));

    [Fact]
    public void A_fault_carries_its_correlation_id()
    {
        Assert.Equal(
            """{"error":"server_error","error_description":"The server met an unexpected condition","correlation_id":"00-ab"}""",
            Written(writer => TokenResponse.WriteError(writer, OAuthError.ServerError, "00-ab")));
        Assert.Throws<ArgumentException>(() => Written(writer => TokenResponse.WriteError(writer, OAuthError.ServerError, "\"")));
    }

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var writer = new ArrayBufferWriter<byte>();
        write(writer);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }
}
