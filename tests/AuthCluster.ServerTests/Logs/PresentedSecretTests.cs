using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;
using Microsoft.Data.Sqlite;

namespace AuthCluster.ServerTests.Logs;

/// <summary>
/// Wherever a caller puts a secret, whole, in pieces, in another order or encoding, no log at any level and no metric holds it, not even
/// when the database refuses the statements of the request.
/// </summary>
[Collection(Alone.Name)]
public sealed class PresentedSecretTests
{
    private const string Known = "orders";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    /// <summary>Secrets of three kinds: words that a person chose, 16 bytes in hex, and one that the server generated.</summary>
    private static readonly string[] Secrets =
        ["correct horse battery staple", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)), GeneratedSecret.New()];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_placement_of_a_secret_reaches_the_log_or_a_metric(bool databaseRefuses)
    {
        await using var server = new InProcessServer
        {
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Microsoft"] = "Trace",
            ["Logging:LogLevel:Orleans"] = "Trace",
            ["Logging:LogLevel:System"] = "Trace",
            ["Logging:LogLevel:AuthCluster.Issuance"] = "Debug",
            ["Logging:Console:FormatterOptions:IncludeScopes"] = "true",
        };
        var clients = Secrets.Select((secret, i) => new TestClient($"{Known}-{i}", secret)).ToList();
        var administrator = new TestClient("administrator", GeneratedSecret.New());
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile(
            "clients.json",
            ClientDocument.File(clients
                .Select(client => ClientDocument.For(client, new() { ["scopes"] = new JsonArray("read") }))
                .Append(ClientDocument.For(administrator, new() { ["scopes"] = new JsonArray("authcluster:admin") }))));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);
        var token = (await caller.PostAsync(administrator, "&scope=authcluster:admin")).Token;
        if (databaseRefuses)
        {
            TakeTablesAway(server);
            Assert.Equal(503, (await caller.PostAsync(new TestClient("nobody", "nothing"))).Status);
            await Eventually.HoldsAsync("the refusal is in the log", Soon, () => server.Output.Contains("no such table: ", StringComparison.Ordinal), Cancellation);
        }

        foreach (var client in clients)
        {
            foreach (var spelling in Spellings(client.Secret))
            {
                await PlaceEverywhereAsync(server, caller, client, spelling);
                await PlaceInAdminCallsAsync(caller, token, spelling);
            }
        }

        // The log keeps the order of requests: once it shows this last one, it has every line of the requests before.
        await Eventually.HoldsAsync(
            "the log has come so far",
            Soon,
            async () =>
            {
                await caller.PostAsync(clients[0], "&scope=read&audience=nowhere");
                return server.Output.Contains("TargetNotAllowed", StringComparison.Ordinal);
            },
            Cancellation);
        var metrics = await caller.Http.GetStringAsync("/metrics", Cancellation);
        Assert.Contains("authcluster_token_requests_total{", metrics, StringComparison.Ordinal);
        var written = server.Output + metrics;
        foreach (var secret in Secrets)
        {
            var pieces = Spellings(secret).Concat(Pieces(secret)).ToList();
            var found = pieces.Where(piece => written.Contains(piece, StringComparison.OrdinalIgnoreCase)).ToList();
            Assert.True(found.Count == 0, string.Join("; ", found.Select(piece => written.Split('\n').First(line => line.Contains(piece, StringComparison.OrdinalIgnoreCase)))));
        }
    }

    [Fact]
    public async Task An_unknown_id_is_logged_by_its_beginning_and_length_and_a_known_one_as_it_is()
    {
        var client = new TestClient("inventory-service", GeneratedSecret.New());
        await using var server = new InProcessServer();
        server["AuthCluster:Bootstrap:ClientsFile"] = server.WriteFile("clients.json", ClientDocument.File(ClientDocument.For(client)));
        await server.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(server.Address);

        await caller.PostAsync(client with { Id = "inventroy-service" });
        await caller.PostAsync(client with { Secret = "wrong" });

        await Eventually.HoldsAsync(
            "both are in the log", Soon, () => server.Output.Contains("client in...(17): invalid_client (UnknownClient)", StringComparison.Ordinal)
                && server.Output.Contains("client inventory-service: invalid_client (WrongSecret)", StringComparison.Ordinal), Cancellation);
    }

    /// <summary>Makes the database refuse every statement of a request from now on. The clients of the test are in memory.</summary>
    private static void TakeTablesAway(InProcessServer server)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(server.DataDirectory, "authcluster.db")};Pooling=False;Default Timeout=20");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            alter table grain_state rename to grain_state_away;
            alter table revocation rename to revocation_away;
            alter table client_catalogue rename to client_catalogue_away;
            alter table client_part rename to client_part_away;
            alter table audit rename to audit_away;
            alter table idempotency rename to idempotency_away;
            alter table usage_hourly rename to usage_hourly_away;
            alter table last_used rename to last_used_away;
            """;
        command.ExecuteNonQuery();
    }

    private static IEnumerable<string> Spellings(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return ((string[])
        [
            secret,
            secret.ToUpperInvariant(),
            string.Join(' ', secret.Split(' ').Reverse()),
            string.Join(' ', secret.Chunk(8).Select(piece => new string(piece).Trim())),
            new string([.. secret.Reverse()]),
            secret.Replace(' ', '-'),
            secret.Replace(" ", "", StringComparison.Ordinal),
            Uri.EscapeDataString(secret),
            string.Concat(bytes.Select(b => b.ToString("'%'X2", CultureInfo.InvariantCulture))),
            string.Concat(bytes.Select(b => "%" + b.ToString("x2", CultureInfo.InvariantCulture))),
            Convert.ToBase64String(bytes),
            System.Buffers.Text.Base64Url.EncodeToString(bytes),
            Convert.ToHexString(bytes),
            Convert.ToHexStringLower(SHA256.HashData(bytes)),
        ]).Distinct(StringComparer.Ordinal);
    }

    /// <summary>The words of a secret that no log line has by itself; for a secret without words, pieces of it.</summary>
    private static IEnumerable<string> Pieces(string secret) => secret.Contains(' ', StringComparison.Ordinal)
        ? ["battery", "staple", "horse bat", "yrettab", "elpats"]
        : secret.Chunk(8).Where(piece => piece.Length == 8).Select(piece => new string(piece));

    private static async Task PlaceEverywhereAsync(InProcessServer server, TokenEndpointCaller caller, TestClient client, string text)
    {
        var form = Uri.EscapeDataString(text);
        var good = $"grant_type=client_credentials&client_id={client.Id}&client_secret={Uri.EscapeDataString(client.Secret)}";
        string[] forms =
        [
            $"{good}&scope={form}", $"{good}&scope=read {form}", $"{good}&scope=read&audience={form}", $"{good}&resource={form}", $"{good}&resource=https://x.example/{form}",
            $"{good}&{form}=1", $"{good}&x={form}", $"grant_type={form}&client_id={client.Id}&client_secret=wrong", $"{good}&client_id={form}", text,
            $"grant_type=client_credentials&client_id={form}&client_secret={form}", $"grant_type=client_credentials&client_id={form}",
            $"grant_type=client_credentials&client_id={form}&client_secret=wrong&scope={form}", $"grant_type=client_credentials&client_secret={form}",
            $"grant_type=client_credentials&client_id={client.Id}&client_secret={form}&scope={form}",
        ];
        foreach (var body in forms)
        {
            await caller.SendAsync(body);
        }

        foreach (var header in (string[])[$"Basic {text}", $"Bearer {text}", text, TokenEndpointCaller.Basic($"{form}:{form}"), TokenEndpointCaller.Basic($"{form}:wrong"), TokenEndpointCaller.Basic(text)])
        {
            await caller.SendAsync("grant_type=client_credentials", header);
        }

        foreach (var path in (string[])["/oauth/introspect", "/oauth/revoke"])
        {
            foreach (var body in (string[])[$"token={form}&client_id={client.Id}&client_secret={Uri.EscapeDataString(client.Secret)}", $"token=x&token_type_hint={form}&client_id={form}&client_secret={form}", $"token=x&client_id={client.Id}&client_secret={form}"])
            {
                using var content = new StringContent(body, Encoding.ASCII, "application/x-www-form-urlencoded");
                using var answer = await caller.Http.PostAsync(path, content, Cancellation);
            }
        }

        await WriteRawAsync(server, text);
    }

    /// <summary>Calls of an administrator who puts a secret where another value belongs.</summary>
    private static async Task PlaceInAdminCallsAsync(TokenEndpointCaller caller, string token, string text)
    {
        var path = Uri.EscapeDataString(text);
        (HttpMethod Method, string Path)[] calls =
        [
            (HttpMethod.Get, $"clients/{path}"), (HttpMethod.Delete, $"clients/{path}"), (HttpMethod.Get, $"clients/{path}/usage"),
            (HttpMethod.Post, $"clients/{path}/disable"), (HttpMethod.Post, $"clients/{path}/revoke-tokens"), (HttpMethod.Delete, $"clients/{path}/secrets/{path}"),
            (HttpMethod.Delete, $"clients/{Known}-0/secrets/{path}"), (HttpMethod.Get, $"clients?search={path}"), (HttpMethod.Get, $"clients?owner={path}"),
            (HttpMethod.Get, $"clients?after={path}"), (HttpMethod.Get, $"audit?clientId={path}"), (HttpMethod.Get, $"reports/unused?after={path}"),
        ];
        foreach (var (method, where) in calls)
        {
            using var request = new HttpRequestMessage(method, $"/admin/v1/{where}");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            request.Headers.TryAddWithoutValidation("If-Match", $"\"{path}\"");
            using var answer = await caller.Http.SendAsync(request, Cancellation);
            Assert.True(answer.StatusCode != HttpStatusCode.Unauthorized, where);
        }
    }

    /// <summary>Methods, paths, query strings and header lines, the broken ones too.</summary>
    private static async Task WriteRawAsync(InProcessServer server, string text)
    {
        var path = Uri.EscapeDataString(text);
        string[] heads =
        [
            $"GET /{path} HTTP/1.1\r\nHost: localhost", $"GET /oauth/token/{path} HTTP/1.1\r\nHost: localhost", $"GET /oauth/revocations?after={path}&wait={path} HTTP/1.1\r\nHost: localhost",
            $"POST /oauth/token?client_secret={path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0", $"GET /admin/v1/clients/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {text}",
            $"DELETE /admin/v1/clients?search={path} HTTP/1.1\r\nHost: localhost", $"GET /metrics?{path} HTTP/1.1\r\nHost: localhost", $"GET /{text} HTTP/1.1\r\nHost: localhost",
            $"{text} / HTTP/1.1\r\nHost: localhost", $"GET / HTTP/1.1\r\nHost: {text}", $"GET / HTTP/1.1\r\nHost: localhost\r\n{text}: x", $"GET / HTTP/1.1\r\nHost: localhost\r\n{text}",
            $"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {text}\r\nX-Request-Id: {text}\r\ntraceparent: {text}\r\ntracestate: a={text}\r\nCookie: a={text}\r\nX-Forwarded-For: {text}",
            $"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: {text}\r\nContent-Length: 0", $"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: {text}\r\nContent-Length: 0",
        ];
        foreach (var head in heads)
        {
            using var connection = await RawConnection.OpenAsync(server.Address);
            try
            {
                await connection.WriteAsync($"{head}\r\nConnection: close\r\n\r\n");
                await connection.ReadToEndAsync();
            }
            catch (IOException)
            {
                // The server closed the connection because it could not read the request.
            }
        }
    }
}
