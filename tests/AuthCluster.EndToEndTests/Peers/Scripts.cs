using System.Diagnostics;
using System.Text.Json;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>Runs the small programs in <c>node</c>, <c>python</c> and <c>go</c> beside these tests, which drive clients that this project did not write.</summary>
/// <remarks>
/// A script reads the issuer and its credentials from <c>ISSUER</c>, <c>CLIENT_ID</c> and <c>CLIENT_SECRET</c>, and prints one JSON document.
/// </remarks>
internal static class Scripts
{
    /// <summary>Debian's interpreter, for which the packages are installed; the one on the path may be another.</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly string Folder = Repository.PathOf("tests", "AuthCluster.EndToEndTests");
    private static readonly SemaphoreSlim NpmGate = new(1);

    /// <summary>The installed npm packages, for scripts outside that folder.</summary>
    public static string NodeModules { get; } = Path.Combine(Folder, "node", "node_modules");

    /// <summary>Runs a script of the folder <c>node</c>.</summary>
    public static async Task<JsonElement> NodeAsync(SharedServer server, TestClient client, string script, params string[] arguments)
    {
        await NeedNodeAsync();
        return await RunAsync(server, client, "node", [Path.Combine(Folder, "node", script), .. arguments]);
    }

    /// <summary>Runs a script of the folder <c>python</c>, which needs one Debian package.</summary>
    public static async Task<JsonElement> PythonAsync(SharedServer server, TestClient client, string package, string module, string script)
    {
        await RequiredTool.NeedAsync(package, Python, "-c", "import " + module);
        return await RunAsync(server, client, Python, [Path.Combine(Folder, "python", script)]);
    }

    /// <summary>Runs a program of the folder <c>go</c> against the packages that Debian installs.</summary>
    public static async Task<JsonElement> GoAsync(SharedServer server, TestClient client, string program)
    {
        await RequiredTool.NeedAsync("golang-go", "go", "version");
        await RequiredTool.NeedAsync("golang-golang-x-oauth2-dev", "test", "-d", "/usr/share/gocode/src/golang.org/x/oauth2");
        return await RunAsync(server, client, "go", ["run", Path.Combine(Folder, "go", program)]);
    }

    /// <summary>Makes sure that node and the packages of <c>package-lock.json</c> are there.</summary>
    public static async Task NeedNodeAsync()
    {
        await RequiredTool.NeedAsync("nodejs", "node", "--version");
        await RequiredTool.NeedAsync("npm", "npm", "--version");
        await NpmGate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (!File.Exists(Path.Combine(NodeModules, ".package-lock.json")))
            {
                (await Command.RunAsync("npm", "ci", "--prefix", Path.Combine(Folder, "node"))).OutputOrThrow();
            }
        }
        finally
        {
            NpmGate.Release();
        }
    }

    /// <summary>Runs any program with the environment that scripts expect, and returns what it printed.</summary>
    public static async Task<string> PrintedAsync(SharedServer server, TestClient client, string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments);
        start.Environment["ISSUER"] = server.Issuer;
        start.Environment["CLIENT_ID"] = client.Id;
        start.Environment["CLIENT_SECRET"] = client.Secret;
        start.Environment["NODE_PATH"] = NodeModules;
        // Debian's Node 18 has Web Crypto only with this flag; later versions accept the flag and don't need it.
        start.Environment["NODE_OPTIONS"] = "--experimental-global-webcrypto";
        // Debian's Go packages are a GOPATH, which Go ignores in module mode.
        start.Environment["GO111MODULE"] = "off";
        start.Environment["GOPATH"] = "/usr/share/gocode";
        start.Environment["OAUTHLIB_INSECURE_TRANSPORT"] = "1";
        start.Environment["AUTHLIB_INSECURE_TRANSPORT"] = "1";
        var result = await Command.RunAsync(start, TestContext.Current.CancellationToken);
        return result.OutputOrThrow();
    }

    private static async Task<JsonElement> RunAsync(SharedServer server, TestClient client, string command, string[] arguments)
    {
        var printed = JsonElement.Parse(await PrintedAsync(server, client, command, arguments));
        if (printed.TryGetProperty("access_token", out var token))
        {
            server.Sensitive.AddToken(token.GetString()!);
        }

        return printed;
    }
}
