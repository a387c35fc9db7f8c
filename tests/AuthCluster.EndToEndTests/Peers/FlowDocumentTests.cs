using System.Text.Json;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>Every request and every program of the document about the flow works as printed.</summary>
/// <remarks>Only two addresses are replaced: the server's, which has a free port in a test, and that of the API, which the test starts.</remarks>
[Collection(OnSharedServer.Name)]
public sealed class FlowDocumentTests(SharedServer server) : IDisposable
{
    private const string JavaScript = "JavaScript/Node.js";
    private const string Using = "Using the Access Token";

    private static readonly TestClient Client = PreparedClients.Other;
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task The_HTTP_request_is_answered_as_the_document_shows()
    {
        var lines = FlowDocument.Snippet("Step 1: Request Access Token", "http").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var head = lines[..3];
        // The document breaks the body at each parameter; the form itself has no line breaks.
        var body = string.Concat(lines[3..])
            .Replace("YOUR_CLIENT_ID", Client.Id, StringComparison.Ordinal)
            .Replace("YOUR_CLIENT_SECRET", Client.Secret, StringComparison.Ordinal);

        var answer = await RawConnection.ExchangeAsync(server.Address, string.Join("\r\n", [.. head, $"Content-Length: {body.Length}", "", body]));

        Assert.Equal(200, answer.Status);
        var shown = JsonElement.Parse(FlowDocument.Snippet("Step 2: Receive Access Token", "json"));
        var got = JsonElement.Parse(answer.Body);
        Assert.Equal(shown.EnumerateObject().Select(member => member.Name), got.EnumerateObject().Select(member => member.Name));
        foreach (var member in (string[])["token_type", "expires_in", "scope"])
        {
            Assert.Equal(shown.GetProperty(member).ToString(), got.GetProperty(member).ToString());
        }
    }

    [Fact]
    public async Task The_error_is_the_one_that_the_document_shows()
    {
        using var caller = server.NewCaller();

        var answer = await caller.PostAsync(Client with { Secret = "wrong" });

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(FlowDocument.Snippet("**Error Response:**", "json")), answer.Json), answer.Body);
    }

    [Fact]
    public async Task The_curl_command_gets_a_token()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        var command = Here(FlowDocument.Snippet("cURL", "bash"))
            .Replace("YOUR_CLIENT_ID", Client.Id, StringComparison.Ordinal)
            .Replace("YOUR_CLIENT_SECRET", Client.Secret, StringComparison.Ordinal);

        var answer = JsonElement.Parse(await Scripts.PrintedAsync(server, Client, "bash", _folder.Write("get-token.sh", command)));

        Assert.Equal("read write", answer.GetProperty("scope").GetString());
    }

    [Fact]
    public async Task The_JavaScript_program_gets_a_token()
    {
        await Scripts.NeedNodeAsync();

        PrintsToken(await RunAsync("node", "main.cjs", FlowDocument.Snippet(JavaScript, "javascript")));
    }

    [Fact]
    public async Task The_Python_program_gets_a_token()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");

        PrintsToken(await RunAsync(Scripts.Python, "main.py", FlowDocument.Snippet("Python", "python")));
    }

    [Fact]
    public async Task The_Go_program_gets_a_token()
    {
        await RequiredTool.NeedAsync("golang-go", "go", "version");
        var program = _folder.Write("main.go", Here(FlowDocument.Snippet("Go", "go")));

        PrintsToken(await Scripts.PrintedAsync(server, Client, "go", "run", program));
    }

    [Fact]
    public async Task The_JavaScript_code_for_using_caching_and_renewing_a_token_calls_an_API()
    {
        await Scripts.NeedNodeAsync();
        await using var api = await StartApiAsync();
        var program = string.Join('\n',
            FlowDocument.Snippet(JavaScript, "javascript"),
            FlowDocument.Snippet("JavaScript", "javascript", Using),
            FlowDocument.Snippet("Token Caching", "javascript"),
            FlowDocument.Snippet("Retry Logic with Token Refresh", "javascript"),
            FlowDocument.Snippet("Monitor Token Usage", "javascript"),
            """
            (async () => {
              const first = await makeAPICall();
              const cached = tokenCache.token;
              const again = await apiCallWithRetry('https://api.example.com/again');
              tokenCache.token = 'an old token that the API refuses';
              const renewed = await apiCallWithRetry('https://api.example.com/renewed');
              await getTokenWithMetrics();
              console.log(JSON.stringify({ first, again, renewed, sameToken: cached === tokenCache.token, metrics: tokenMetrics }));
            })();
            """);

        var answer = JsonElement.Parse(LastLine(await RunAsync("node", "caching.cjs", program, api)));

        Assert.Equal("/api/resource", answer.GetProperty("first").GetProperty("path").GetString());
        Assert.Equal("/again", answer.GetProperty("again").GetProperty("path").GetString());
        Assert.Equal("/renewed", answer.GetProperty("renewed").GetProperty("path").GetString());
        Assert.Equal(Client.Id, answer.GetProperty("renewed").GetProperty("caller").GetString());
        Assert.False(answer.GetProperty("sameToken").GetBoolean());
        Assert.Equal(1, answer.GetProperty("metrics").GetProperty("successCount").GetInt32());
    }

    [Theory]
    [InlineData("scope: 'read write'", "wrong", "Invalid client credentials. Check CLIENT_ID and CLIENT_SECRET.")]
    [InlineData("scope: 'everything'", null, "Invalid scope requested: ")]
    [InlineData("grant_type: 'password'", null, "OAuth2 error: unsupported_grant_type - ")]
    public async Task The_JavaScript_error_handling_tells_what_is_wrong(string member, string? secret, string message)
    {
        await Scripts.NeedNodeAsync();
        var program = string.Join('\n',
            "const axios = require('axios');",
            "const tokenUrl = 'http://localhost:8080/oauth/token';",
            $$"""
            const params = new URLSearchParams({
              grant_type: 'client_credentials', client_id: process.env.CLIENT_ID, client_secret: process.env.CLIENT_SECRET, ...{ {{member}} }
            });
            """,
            FlowDocument.Snippet("Comprehensive Error Handling", "javascript"),
            "getTokenWithErrorHandling().then(() => console.log('a token'), refused => console.log(refused.message));");

        var printed = await RunAsync("node", "errors.cjs", program, client: secret is null ? Client : Client with { Secret = secret });

        Assert.StartsWith(message, printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_complete_microservice_calls_an_API()
    {
        await Scripts.NeedNodeAsync();
        await using var api = await StartApiAsync();
        var program = FlowDocument.Snippet("Complete Example: Microservice", "javascript") + "\nfetchData().then(data => console.log(JSON.stringify(data)));";

        var answer = JsonElement.Parse(await RunAsync("node", "microservice.cjs", program, api));

        Assert.Equal("/data", answer.GetProperty("path").GetString());
        Assert.Equal(Client.Id, answer.GetProperty("caller").GetString());
    }

    [Fact]
    public async Task The_Python_code_for_using_and_renewing_a_token_calls_an_API()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");
        await RequiredTool.NeedAsync("python3-aiohttp", Scripts.Python, "-c", "import aiohttp");
        await using var api = await StartApiAsync();
        var program = string.Join('\n',
            FlowDocument.Snippet("Python", "python"),
            FlowDocument.Snippet("Python", "python", Using),
            FlowDocument.Snippet("Automatic Token Refresh", "python"),
            FlowDocument.Snippet("Parallel Requests", "python").Replace("results = await", "return await", StringComparison.Ordinal),
            """
            import json
            first = make_api_call()
            kept = token_manager.get_token()
            token_manager.expires_at = datetime.now() + timedelta(minutes=4)
            print(json.dumps({"first": first, "renewed": kept != token_manager.get_token(), "parallel": asyncio.run(main())}))
            """);

        var answer = JsonElement.Parse(LastLine(await RunAsync(Scripts.Python, "using.py", program, api)));

        Assert.Equal("/api/resource", answer.GetProperty("first").GetProperty("path").GetString());
        Assert.True(answer.GetProperty("renewed").GetBoolean());
        Assert.Equal(["/resource1", "/resource2", "/resource3"], answer.GetProperty("parallel").EnumerateArray().Select(one => one.GetProperty("path").GetString()));
    }

    private Task<StockApi> StartApiAsync() => StockApi.StartAsync(new Uri(server.Address, "/.well-known/oauth-authorization-server"), server.Issuer);

    private Task<string> RunAsync(string interpreter, string name, string program, StockApi? api = null, TestClient? client = null) =>
        Scripts.PrintedAsync(server, client ?? Client, interpreter, _folder.Write(name, Here(program, api)));

    private string Here(string program, StockApi? api = null) => program
        .Replace("http://localhost:8080", server.Issuer, StringComparison.Ordinal)
        .Replace("https://api.example.com", api?.Address.ToString().TrimEnd('/'), StringComparison.Ordinal);

    private static string LastLine(string printed) => printed.TrimEnd().Split('\n')[^1];

    private void PrintsToken(string printed)
    {
        var lines = printed.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("Access Token: eyJ", lines[0], StringComparison.Ordinal);
        Assert.Equal("Expires in: 3600 seconds", lines[1]);
        server.Sensitive.AddToken(lines[0]["Access Token: ".Length..]);
    }

    public void Dispose() => _folder.Dispose();
}
