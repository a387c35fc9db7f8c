using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>RFC 6749 §5.2: errors.</summary>
public sealed class OAuthErrorTests
{
    public static TheoryData<string> Names { get; } = [.. Fields().Select(field => field.Name)];

    internal static ImmutableArray<OAuthError> All { get; } = [.. Fields().Select(Value)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Code_and_description_have_only_characters_that_the_RFC_allows(string name)
    {
        var error = Named(name);

        Assert.Matches(@"\A[\x20-\x21\x23-\x5B\x5D-\x7E]+\z", error.Description);
        Assert.Matches(@"\A[a-z_]+\z", error.Code);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_body_is_JSON_with_code_and_description(string name)
    {
        var error = Named(name);

        using var body = JsonDocument.Parse(error.Body);

        Assert.Equal(["error", "error_description"], body.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(error.Code, body.RootElement.GetProperty("error").GetString());
        Assert.Equal(error.Description, body.RootElement.GetProperty("error_description").GetString());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_error_has_a_status_that_belongs_to_its_code(string name)
    {
        var error = Named(name);

        int[] expected = error.Code switch
        {
            "invalid_request" => [400, 405, 408, 413, 415, 431],
            "invalid_client" => [401],
            "unauthorized_client" or "unsupported_grant_type" or "invalid_scope" or "invalid_target" or "unsupported_token_type" => [400],
            "insufficient_scope" => [403],
            "slow_down" => [429],
            "temporarily_unavailable" => [503],
            "server_error" => [500],
            _ => [],
        };
        Assert.Contains(error.Status, expected);
    }

    [Fact]
    public void A_failed_authentication_has_the_body_that_callers_know() =>
        Assert.Equal(
            """{"error":"invalid_client","error_description":"Client authentication failed"}"""u8,
            OAuthError.ClientAuthenticationFailed.Body.Span);

    private static IEnumerable<FieldInfo> Fields() =>
        typeof(OAuthError).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.FieldType == typeof(OAuthError));

    private static OAuthError Value(FieldInfo field) => (OAuthError)field.GetValue(null)!;

    private static OAuthError Named(string name) => Value(typeof(OAuthError).GetField(name)!);
}
