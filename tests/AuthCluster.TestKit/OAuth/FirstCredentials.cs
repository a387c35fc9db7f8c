using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>What a first start in Development prints for a new user.</summary>
public static partial class FirstCredentials
{
    /// <summary>The different secrets in a text.</summary>
    public static IReadOnlyList<string> SecretsIn(string printed) =>
        [.. SecretText().Matches(printed).Select(match => match.Value).Distinct(StringComparer.Ordinal)];

    /// <summary>Pastes the printed command into a shell; it must get a token at the server's own address.</summary>
    public static async Task PasteCommandAsync(Installation server, string printed)
    {
        ArgumentNullException.ThrowIfNull(server);
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        // Its first line, and those that a backslash joins to it.
        var command = CurlText().Match(printed);
        Assert.True(command.Success, printed);
        Assert.Contains(server.Address.Authority, command.Value, StringComparison.Ordinal);
        var answer = JsonElement.Parse((await Command.RunAsync("bash", "-c", command.Value)).OutputOrThrow());
        Assert.Equal("Bearer", answer.GetProperty("token_type").GetString());
    }

    [GeneratedRegex("acs_[A-Za-z0-9_-]{43}_[0-9a-f]{8}")]
    private static partial Regex SecretText();

    [GeneratedRegex("""curl (.*\\\r?\n)*.*""")]
    private static partial Regex CurlText();
}
