using AuthCluster.EndToEndTests.Peers;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>The callers in five languages against the real server and the .NET resource server, as their README starts them.</summary>
[Collection(WithSamples.Name)]
public sealed class CallerTests(SamplesServer server) : IDisposable
{
    private static readonly TestClient Wrong = SamplesServer.Worker with { Secret = "not-the-secret-of-worker" };

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task The_curl_script_keeps_its_token_in_a_file_of_its_owner_and_asks_for_no_other()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        var cache = _folder.PathOf("token");
        var before = await server.IssuedAsync();

        var first = await CurlAsync(cache);
        var second = await CurlAsync(cache);

        Assert.Equal("""["Resource 1","Resource 2","Resource 3"]""", first.OutputOrThrow().Trim());
        Assert.Equal(first.Output, second.OutputOrThrow());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(cache));
        Assert.Equal(before + 1, await server.IssuedAsync());
    }

    [Fact]
    public async Task The_curl_script_replaces_a_token_that_the_API_refuses()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");
        var cache = _folder.Write("token", $"{DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds()} a.token.that-the-API-refuses {server.Issuer} {SamplesServer.Worker.Id} read\n");

        var result = await CurlAsync(cache);

        Assert.Equal("""["Resource 1","Resource 2","Resource 3"]""", result.OutputOrThrow().Trim());
        Assert.DoesNotContain("refuses", await File.ReadAllTextAsync(cache, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_curl_script_prints_the_error_of_the_server()
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");

        var refused = await CurlAsync(_folder.PathOf("token"), Wrong);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("invalid_client", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_Node_program_makes_ten_calls_with_one_token()
    {
        await NeedNodeAsync();

        await MakesTenCallsWithOneTokenAsync("node", "node", "call-api.js");
    }

    [Fact]
    public async Task The_Python_program_makes_ten_calls_with_one_token()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");

        await MakesTenCallsWithOneTokenAsync("python", Scripts.Python, "call_api.py");
    }

    [Fact]
    public async Task The_Go_program_makes_ten_calls_with_one_token()
    {
        await RequiredTool.NeedAsync("golang-go", "go", "version");

        await MakesTenCallsWithOneTokenAsync("go", "go", "run", ".");
    }

    [Fact]
    public async Task The_Rust_program_makes_ten_calls_with_one_token()
    {
        await NeedRustAsync();

        await MakesTenCallsWithOneTokenAsync("rust", "cargo", "run", "--quiet");
    }

    /// <summary>The folder of each program, and how it is run there.</summary>
    public static TheoryData<string, string, string[]> Programs { get; } = new()
    {
        { "curl", "bash", ["call-api.sh"] },
        { "node", "node", ["call-api.js"] },
        { "python", Scripts.Python, ["call_api.py"] },
        { "go", "go", ["run", "."] },
        { "rust", "cargo", ["run", "--quiet"] },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task A_program_waits_for_an_overloaded_server_and_replaces_a_token_that_the_API_refuses(string folder, string command, string[] arguments)
    {
        await NeedAsync(folder);
        await using var troubled = await TroubledServer.StartAsync();
        var address = troubled.Address.ToString().TrimEnd('/');

        var result = await server.RunAsync(
            SamplesServer.Worker, folder, command, arguments, ("AUTH_ISSUER", address), ("API_URL", address), ("TOKEN_CACHE", _folder.PathOf("token")));

        Assert.Contains("Resource 3", result.OutputOrThrow(), StringComparison.Ordinal);
        Assert.Equal([503, 200, 200], troubled.TokenAnswers);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task A_program_refuses_a_token_whose_lifetime_is_not_seconds_within_a_month(string folder, string command, string[] arguments)
    {
        await NeedAsync(folder);
        await using var troubled = await TroubledServer.StartAsync();
        var address = troubled.Address.ToString().TrimEnd('/');
        var cache = _folder.PathOf("token");

        foreach (var life in new[] { "1e999", "1e15", "2592001", "9223372036854775807", "-60", "0", "\"soon\"", "[60]", "{}", "true", "null", "unsaid" })
        {
            var result = await server.RunAsync(
                SamplesServer.Worker, folder, command, arguments, ("AUTH_ISSUER", $"{address}/lasting/{Uri.EscapeDataString(life)}"), ("API_URL", address), ("TOKEN_CACHE", cache));

            Assert.True(result.ExitCode == 1, $"{life}: {result.Output}{result.Error}");
            Assert.Matches("(?i)token request failed|unexpected_answer", result.Error);
            Assert.DoesNotMatch("Traceback|\\bat .*:\\d+|panic|goroutine", result.Error); // nobody gets a stack trace
            Assert.False(File.Exists(cache));
        }

        var good = await server.RunAsync(
            SamplesServer.Worker, folder, command, arguments, ("AUTH_ISSUER", $"{address}/lasting/2592000"), ("API_URL", address), ("TOKEN_CACHE", cache));
        Assert.Contains("Resource 3", good.OutputOrThrow(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python_requests_in_parallel_share_one_token()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");
        await RequiredTool.NeedAsync("python3-aiohttp", Scripts.Python, "-c", "import aiohttp");
        var before = await server.IssuedAsync();

        var result = await server.RunAsync(SamplesServer.Worker, "python", Scripts.Python, ["parallel_requests.py"]);

        Assert.Equal("3 answers, 9 resources", result.OutputOrThrow().Trim());
        Assert.Equal(before + 1, await server.IssuedAsync());
    }

    [Fact]
    public async Task The_Node_client_replaces_a_revoked_token_and_goes_on_with_a_good_one_while_the_server_is_down()
    {
        await NeedNodeAsync();

        var result = await RunOwnAsync("node", "node", "-e", """
            const { OAuth2Client } = require('./oauth2-client');
            const { AUTH_ISSUER: issuer, API_URL: api, CLIENT_ID: id, CLIENT_SECRET: secret } = process.env;
            (async () => {
              const config = { tokenUrl: `${issuer}/oauth/token`, clientId: id, clientSecret: secret, scope: 'read' };
              const client = new OAuth2Client(config);
              const first = await client.getToken();
              await fetch(`${issuer}/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token: first, client_id: id, client_secret: secret }) });
              const until = Date.now() + 5000;
              let second = first;
              while (second === first && Date.now() < until) {
                const answer = await client.fetch(`${api}/resources`);
                if (!answer.ok) throw new Error(`The API answered ${answer.status}`);
                second = await client.getToken();
              }
              config.tokenUrl = 'http://localhost:9/oauth/token';
              const realNow = Date.now;
              Date.now = () => realNow() + 57 * 60_000;
              const third = await client.getToken();
              console.log([second !== first, third === second, client.metrics.requests].join(' '));
              process.exit(0);
            })();
            """);

        Assert.Equal("true true 3", result.OutputOrThrow().Trim());
    }

    [Fact]
    public async Task The_Python_client_replaces_a_revoked_token_and_goes_on_with_a_good_one_while_the_server_is_down()
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");

        var result = await RunOwnAsync("python", Scripts.Python, "-c", """
            import os, time, requests
            import token_manager
            issuer, api = os.environ['AUTH_ISSUER'], os.environ['API_URL']
            tokens = token_manager.TokenManager(scope='read')
            first = second = tokens.get_token()
            requests.post(issuer + '/oauth/revoke', auth=(os.environ['CLIENT_ID'], os.environ['CLIENT_SECRET']), data={'token': first}).raise_for_status()
            until = time.time() + 5
            while second == first and time.time() < until:
                tokens.call('GET', api + '/resources')
                second = tokens.get_token()
            tokens._url = 'http://localhost:9/oauth/token'
            real = time.monotonic
            time.monotonic = lambda: real() + 57 * 60
            third = tokens.get_token()
            print(second != first, third == second, tokens.requests)
            """);

        Assert.Equal("True True 3", result.OutputOrThrow().Trim());
    }

    public static TheoryData<string> EndlessPauses => ["99999999999", new string('9', 5000), "1e999"];

    [Theory]
    [MemberData(nameof(EndlessPauses))]
    public async Task The_Node_client_asks_again_after_an_hour_at_most(string retryAfter)
    {
        await NeedNodeAsync();
        await using var troubled = await TroubledServer.StartAsync();

        var result = await server.RunAsync(
            SamplesServer.Worker,
            "node",
            "node",
            ["-e", """
            const { OAuth2Client } = require('./oauth2-client');
            const { AUTH_ISSUER: issuer, CLIENT_ID: id, CLIENT_SECRET: secret } = process.env;
            (async () => {
              const client = new OAuth2Client({ tokenUrl: `${issuer}/oauth/token`, clientId: id, clientSecret: secret, scope: 'read' });
              const first = await client.getToken().catch((error) => error.message);
              const second = await client.getToken().catch((error) => error.message);
              const realNow = Date.now;
              Date.now = () => realNow() + 61 * 60_000;
              console.log([first.includes('slow_down'), second === first, client.metrics.requests, await client.getToken()].join(' '));
            })();
            """],
            ("AUTH_ISSUER", $"{troubled.Address}away/{retryAfter}"));

        Assert.Equal("true true 1 token-2", result.OutputOrThrow().Trim());
    }

    [Theory]
    [MemberData(nameof(EndlessPauses))]
    public async Task The_Python_client_asks_again_after_an_hour_at_most(string retryAfter)
    {
        await RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests");
        await using var troubled = await TroubledServer.StartAsync();

        var result = await server.RunAsync(
            SamplesServer.Worker,
            "python",
            Scripts.Python,
            ["-c", """
            import time
            import token_manager
            tokens = token_manager.TokenManager(scope='read')
            waits = []
            token_manager.time.sleep = waits.append
            def ask():
                try:
                    return tokens.get_token()
                except token_manager.TokenError as error:
                    return str(error)
            first, second = ask(), ask()
            real = time.monotonic
            time.monotonic = lambda: real() + 61 * 60
            print('slow_down' in first or first, second == first, tokens.requests, ask())
            """],
            ("AUTH_ISSUER", $"{troubled.Address}away/{retryAfter}"));

        // A Retry-After that is no number of seconds counts as absent: then the first repeat gets the token.
        Assert.Equal(retryAfter == "1e999" ? "token-2 True 1 token-2" : "True True 1 token-2", result.OutputOrThrow().Trim());
    }

    public void Dispose() => _folder.Dispose();

    private async Task MakesTenCallsWithOneTokenAsync(string folder, string command, params string[] arguments)
    {
        var before = await server.IssuedAsync();

        var result = await server.RunAsync(SamplesServer.Worker, folder, command, arguments);
        var refused = await server.RunAsync(Wrong, folder, command, arguments);

        Assert.Equal(["- Resource 1", "- Resource 2", "- Resource 3", "10 calls, 1 token request"], result.OutputOrThrow().TrimEnd().Split('\n'));
        Assert.Equal(before + 1, await server.IssuedAsync());
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("invalid_client", refused.Error, StringComparison.Ordinal);
    }

    private Task<CommandResult> CurlAsync(string cache, TestClient? client = null) =>
        server.RunAsync(client ?? SamplesServer.Worker, "curl", "bash", ["call-api.sh"], ("TOKEN_CACHE", cache));

    private Task<CommandResult> RunOwnAsync(string folder, string command, params string[] arguments) =>
        server.RunAsync(SamplesServer.Worker, folder, command, arguments);

    private static Task NeedAsync(string folder) => folder switch
    {
        "node" => NeedNodeAsync(),
        "python" => RequiredTool.NeedAsync("python3-requests", Scripts.Python, "-c", "import requests"),
        "go" => RequiredTool.NeedAsync("golang-go", "go", "version"),
        "rust" => NeedRustAsync(),
        _ => RequiredTool.NeedAsync("curl", "curl", "--version"),
    };

    private static async Task NeedRustAsync()
    {
        if (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip("Compiling reqwest takes a minute and more, so this test runs under CI=true only.");
        }

        await RequiredTool.NeedAsync("cargo", "cargo", "--version");
        await RequiredTool.NeedAsync("librust-reqwest-dev librust-tokio-dev librust-serde-dev librust-serde-json-dev", "sh", "-c", "ls -d /usr/share/cargo/registry/reqwest-*");
    }

    /// <summary>Node, and the packages of the samples' own lock file.</summary>
    internal static async Task NeedNodeAsync()
    {
        await RequiredTool.NeedAsync("nodejs", "node", "--version");
        await RequiredTool.NeedAsync("npm", "npm", "--version");
        if (!File.Exists(Path.Combine(SamplesServer.Folder("node"), "node_modules", ".package-lock.json")))
        {
            (await Command.RunAsync("npm", "ci", "--prefix", SamplesServer.Folder("node"))).OutputOrThrow();
        }
    }
}
