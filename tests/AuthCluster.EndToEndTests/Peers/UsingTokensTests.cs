using System.Text.Json;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>Programs of <c>docs/using-tokens.md</c> do what the document says; only the server's address in them is replaced.</summary>
[Collection(OnSharedServer.Name)]
public sealed class UsingTokensTests(SharedServer server) : IDisposable
{
    private static readonly string Document = File.ReadAllText(Repository.PathOf("docs", "using-tokens.md"));

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Go_oidc_accepts_a_token_for_its_audience_by_the_openid_configuration_alone()
    {
        var answer = await VerifyAsync((await server.TokenAsync(PreparedClients.WithAudiences)).Token, "inventory");

        Assert.Equal(PreparedClients.WithAudiences.Id, answer.GetProperty("claims").GetProperty("client_id").GetString());
    }

    [Fact]
    public async Task Go_oidc_refuses_a_token_that_is_for_another_audience_or_was_changed_or_is_no_access_token()
    {
        var token = (await server.TokenAsync(PreparedClients.WithAudiences)).Token;
        var parts = token.Split('.');
        var claims = (await server.TokenAsync(PreparedClients.WithAudiences)).Token.Split('.')[1];

        Assert.Contains("audience", await RefusalAsync(token, "another"), StringComparison.Ordinal);
        Assert.Contains("signature", await RefusalAsync($"{parts[0]}.{claims}.{parts[2]}", "inventory"), StringComparison.Ordinal);
        Assert.Contains("not an access token", await RefusalAsync($"eyJ0eXAiOiJKV1QifQ.{parts[1]}.{parts[2]}", "inventory"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_shell_script_for_Basic_gets_a_token_with_a_secret_of_reserved_characters_that_is_longer_than_a_line_of_base64()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        await RequiredTool.NeedAsync("python3", "python3", "--version");
        var script = _folder.Write("get-token.sh", Snippet("bash").Replace("https://auth.example.com", "$ISSUER", StringComparison.Ordinal));

        foreach (var client in (TestClient[])[PreparedClients.Given, PreparedClients.Usual])
        {
            var answer = JsonElement.Parse(await Scripts.PrintedAsync(server, client, "bash", script));

            server.Sensitive.AddToken(answer.GetProperty("access_token").GetString()!);
        }
    }

    public void Dispose() => _folder.Dispose();

    private async Task<string> RefusalAsync(string token, string audience) =>
        (await VerifyAsync(token, audience)).GetProperty("error").GetString()!;

    private async Task<JsonElement> VerifyAsync(string token, string audience)
    {
        await RequiredTool.NeedAsync("golang-go", "go", "version");
        await RequiredTool.NeedAsync("golang-github-coreos-go-oidc-dev", "test", "-d", "/usr/share/gocode/src/github.com/coreos/go-oidc");
        // Debian has version 2, which has the same functions under another path.
        var code = Snippet("go")
            .Replace("package orders", "package main", StringComparison.Ordinal)
            .Replace("\"github.com/coreos/go-oidc/v3/oidc\"", "oidc \"github.com/coreos/go-oidc\"", StringComparison.Ordinal);
        var main = Repository.PathOf("tests", "AuthCluster.EndToEndTests", "go", "verify.go");
        string[] files = [_folder.Write("orders.go", code), _folder.Write("verify.go", await File.ReadAllTextAsync(main, TestContext.Current.CancellationToken))];

        return JsonElement.Parse(await Scripts.PrintedAsync(
            server, PreparedClients.WithAudiences, "env", ["TOKEN=" + token, "AUDIENCE=" + audience, "go", "run", .. files]));
    }

    /// <summary>The first block of a language.</summary>
    private static string Snippet(string language)
    {
        var start = Document.IndexOf($"```{language}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"No block of {language}.");
        start = Document.IndexOf('\n', start) + 1;
        return Document[start..Document.IndexOf("```", start, StringComparison.Ordinal)];
    }
}
