using System.Text.Json;
using AuthCluster.ClientTests.Servers;
using AuthCluster.TestKit;

namespace AuthCluster.ClientTests.Stock;

/// <summary>Validators of other languages, by the very code that <c>docs/using-tokens.md</c> gives for them.</summary>
/// <remarks>Only the two addresses in it are replaced: the issuer's and the API's.</remarks>
internal sealed class StockValidator : IDisposable
{
    /// <summary>Debian's interpreter, for which the packages are installed.</summary>
    private const string Python = "/usr/bin/python3";

    private static readonly string[] Document = File.ReadAllLines(Repository.PathOf("docs", "using-tokens.md"));

    private readonly TemporaryFolder _folder = new();

    /// <summary>What a validator thinks of each token: true when it accepts.</summary>
    public async Task<IReadOnlyDictionary<string, bool>> JudgeAsync(string validator, FakeIssuer issuer, IReadOnlyDictionary<string, string> tokens)
    {
        var file = _folder.Write("tokens.json", JsonSerializer.Serialize(tokens));
        var result = validator switch
        {
            "jose" => await JoseAsync(issuer, file),
            "PyJWT" => await PyJwtAsync(issuer, file),
            "Authlib" => await AuthlibAsync(issuer, file),
            _ => throw new ArgumentOutOfRangeException(nameof(validator)),
        };
        return JsonSerializer.Deserialize<Dictionary<string, bool>>(result.OutputOrThrow()) ?? [];
    }

    public void Dispose() => _folder.Dispose();

    private async Task<CommandResult> JoseAsync(FakeIssuer issuer, string tokens)
    {
        var packages = Repository.PathOf("samples", "node");
        await RequiredTool.NeedAsync("nodejs", "node", "--version");
        await RequiredTool.NeedAsync("npm", "npm", "--version");
        if (!Directory.Exists(Path.Combine(packages, "node_modules", "jose")))
        {
            (await Command.RunAsync("npm", "ci", "--prefix", packages)).OutputOrThrow();
        }

        Directory.CreateSymbolicLink(_folder.PathOf("node_modules"), Path.Combine(packages, "node_modules"));
        var program = _folder.Write("judge.mjs", $$"""
            import { readFileSync } from 'node:fs';
            import { createRemoteJWKSet, jwtVerify } from 'jose';
            const verdicts = {};
            for (const [name, token] of Object.entries(JSON.parse(readFileSync(process.argv[2])))) {
              try {
                {{Snippet("**jose", "javascript", issuer, indent: "")}}
                verdicts[name] = payload.client_id !== undefined;
              } catch {
                verdicts[name] = false;
              }
            }
            console.log(JSON.stringify(verdicts));
            """);
        // Debian's Node 18 has Web Crypto only with this flag; later versions accept the flag and don't need it.
        return await Command.RunAsync("node", "--experimental-global-webcrypto", program, tokens);
    }

    private async Task<CommandResult> PyJwtAsync(FakeIssuer issuer, string tokens)
    {
        await RequiredTool.NeedAsync("python3-jwt python3-cryptography", Python, "-c", "import jwt, cryptography");
        return await PythonAsync("import jwt", Snippet("**PyJWT", "python", issuer, indent: "        "), tokens);
    }

    private async Task<CommandResult> AuthlibAsync(FakeIssuer issuer, string tokens)
    {
        await RequiredTool.NeedAsync("python3-authlib python3-requests", Python, "-c", "import authlib, requests");
        var prelude = $"""
            import requests
            from authlib.jose import JsonWebKey, JsonWebToken
            from authlib.jose.errors import InvalidTokenError
            jwks = requests.get('{issuer.Issuer}/.well-known/jwks.json', timeout=30).json()
            """;
        return await PythonAsync(prelude, Snippet("**Authlib", "python", issuer, indent: "        "), tokens);
    }

    private Task<CommandResult> PythonAsync(string prelude, string snippet, string tokens) => Command.RunAsync(Python, _folder.Write("judge.py", $$"""
        import json, sys
        {{prelude}}
        verdicts = {}
        for name, token in json.load(open(sys.argv[1])).items():
            try:
        {{snippet}}
                verdicts[name] = True
            except Exception:
                verdicts[name] = False
        print(json.dumps(verdicts))
        """), tokens);

    /// <summary>The first block of a language after the line that begins so.</summary>
    private static string Snippet(string after, string language, FakeIssuer issuer, string indent)
    {
        var begin = Array.IndexOf(Document, "```" + language, Array.FindIndex(Document, line => line.StartsWith(after, StringComparison.Ordinal))) + 1;
        var lines = Document[begin..Array.IndexOf(Document, "```", begin)];
        Assert.NotEmpty(lines);
        return string.Join('\n', lines.Select(line => indent + line))
            .Replace("https://auth.example.com", issuer.Issuer, StringComparison.Ordinal)
            .Replace("https://orders.example.com", ProtectedApi.Audience, StringComparison.Ordinal);
    }
}
