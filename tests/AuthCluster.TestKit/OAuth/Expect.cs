using System.Text.RegularExpressions;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>What every answer of the token endpoint has in common, checked wherever a test looks at one.</summary>
public static partial class Expect
{
    /// <summary>A token was granted, in the form of RFC 6749 §5.1.</summary>
    public static void Granted(TokenAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Body}");
        NotStored(answer);
        Assert.Equal(["access_token", "expires_in", "scope", "token_type"], answer.Json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>It was refused with this status and code, in the form of RFC 6749 §5.2.</summary>
    public static void Refused(int status, string error, TokenAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Assert.True((status, error) == (answer.Status, answer.Error), $"expected {status} {error}, got {answer.Status}: {answer.Body}");
        NotStored(answer);
        Assert.All(answer.Json.EnumerateObject(), member =>
        {
            Assert.Contains(member.Name, (string[])["error", "error_description"]);
            Assert.Matches(ErrorText(), member.Value.GetString());
        });
        Assert.Equal(status == 401 ? "Basic realm=\"authcluster\"" : null, answer.Header("WWW-Authenticate"));
    }

    private static void NotStored(TokenAnswer answer)
    {
        Assert.Equal("application/json", answer.ContentHeaders.ContentType?.MediaType);
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal("no-cache", answer.Header("Pragma"));
    }

    [GeneratedRegex("""\A[\x20-\x21\x23-\x5B\x5D-\x7E]+\z""")]
    private static partial Regex ErrorText();
}
