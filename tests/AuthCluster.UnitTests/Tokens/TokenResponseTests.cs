using System.Buffers;
using System.Text;
using AuthCluster.Protocol.Requests;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>RFC 6749 §5.1 and §5.2: the bodies.</summary>
public sealed class TokenResponseTests
{
    [Fact]
    public void The_body_has_exactly_the_four_members_in_their_order() =>
        Assert.Equal(
            """{"access_token":"ab.cd-._~+/==","token_type":"Bearer","expires_in":3600,"scope":"read write:a[1]'<"}""",
            Written(writer => TokenResponse.Write(writer, "ab.cd-._~+/==", 3600, "read write:a[1]'<")));

    [Fact]
    public void An_empty_scope_is_written_too() =>
        Assert.EndsWith(""","scope":""}""", Written(writer => TokenResponse.Write(writer, "a", 1, "")), StringComparison.Ordinal);

    [Fact]
    public void An_error_has_its_code_and_its_text() =>
        Assert.Equal(
            """{"error":"invalid_client","error_description":"Client authentication failed"}""",
            Encoding.UTF8.GetString(OAuthError.ClientAuthenticationFailed.Body.Span));

    [Fact]
    public void A_fault_carries_its_correlation_id() =>
        Assert.Equal(
            """{"error":"server_error","error_description":"The server met an unexpected condition","correlation_id":"00-ab"}""",
            Encoding.UTF8.GetString(OAuthError.ServerError.BodyWith("00-ab")));

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var writer = new ArrayBufferWriter<byte>();
        write(writer);
        return Encoding.UTF8.GetString(writer.WrittenSpan);
    }
}
