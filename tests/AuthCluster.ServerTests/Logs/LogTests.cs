using System.Text;
using System.Text.Json;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Logs;

/// <summary>What the log says at its most verbose level, and what it must never say.</summary>
public sealed class LogTests(SharedServer server) : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly TokenEndpointCaller _caller = server.NewCaller();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_issued_token_leaves_its_id_in_the_log()
    {
        var answer = await server.TokenAsync(PreparedClients.WithClaims);
        var id = answer.Claims.GetProperty("jti").GetString()!;

        await Eventually.HoldsAsync("the log names the token's id", Soon, () => server.Output.Contains(id, StringComparison.Ordinal), Cancellation);
        Assert.Contains("AuthCluster.Issuance", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_token_request_is_one_event_with_its_outcome()
    {
        await using var own = new InProcessServer
        {
            ["Logging:Console:FormatterName"] = "json",
            ["Logging:LogLevel:AuthCluster.Issuance"] = "Debug",
            ["AuthCluster:Bootstrap:AdminClientId"] = "root",
            ["AuthCluster:Bootstrap:AdminClientSecret"] = "a secret of the test's own",
        };
        await own.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(own.Address);
        var client = new TestClient("root", "a secret of the test's own");
        await caller.PostAsync(client, "&scope=authcluster:read");
        await caller.PostAsync(client, "&scope=none");

        foreach (var (outcome, scope) in new[] { ("issued", "authcluster:read"), ("invalid_scope", "...(4)") })
        {
            await Eventually.HoldsAsync($"there is the event of {outcome}", Soon, () => EventsOf(own, outcome, scope) == 1, Cancellation);
        }

        static int EventsOf(InProcessServer server, string outcome, string scope) => server.Output.Split('\n')
            .Where(line => line.StartsWith('{') && line.EndsWith('}'))
            .Select(line => JsonElement.Parse(line).GetProperty("State"))
            .Count(state => state.TryGetProperty("Outcome", out var had) && had.GetString() == outcome
                && state.GetProperty("ClientId").GetString() == "root" && state.GetProperty("Scope").GetString() == scope);
    }

    [Theory]
    [InlineData("127.0.0.0/8,::1/128,10.0.0.0/8", "203.0.113.9, 10.1.2.3", "203.0.113.9")]
    [InlineData("127.0.0.0/8,::1/128", "203.0.113.9, 10.1.2.3", "10.1.2.3")]
    [InlineData(null, "203.0.113.9", "127.0.0.1")]
    public async Task The_callers_address_is_the_one_that_the_outermost_trusted_proxy_saw(string? trusted, string forwardedFor, string address)
    {
        await using var own = new InProcessServer { ["AuthCluster:Http:TrustedProxies"] = trusted };
        await own.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(new Uri($"http://127.0.0.1:{own.Port}"));
        caller.Http.DefaultRequestHeaders.Add("X-Forwarded-For", forwardedFor);

        await caller.PostAsync(new TestClient("from-afar", GeneratedSecret.New()));

        await Eventually.HoldsAsync(
            "the log names the address", Soon, () => own.Output.Split('\n').Any(line => line.Contains("client f...(9)", StringComparison.Ordinal) && line.Contains($", from {address} in", StringComparison.Ordinal)), Cancellation);
    }

    [Fact]
    public async Task Each_refusal_leaves_the_client_in_the_log()
    {
        var before = server.Output.Length;
        await _caller.PostAsync(PreparedClients.Other with { Secret = "wrong" });

        await Eventually.HoldsAsync("the log names the client", Soon, () => server.Output[before..].Contains("client other: invalid_client (WrongSecret)", StringComparison.Ordinal), Cancellation);
    }

    [Fact]
    public async Task A_refusal_says_what_was_asked_for()
    {
        await _caller.PostAsync(PreparedClients.Usual, "&scope=write not-registered");

        await Eventually.HoldsAsync("the log names the scope", Soon, () => server.Output.Contains("invalid_scope (ScopeNotAllowed), scope ...(5) n...(14)", StringComparison.Ordinal), Cancellation);
    }

    [Theory]
    [InlineData("simple")]
    [InlineData("json")]
    [InlineData("systemd")]
    public async Task No_log_setting_turns_on_the_framework_logs_that_print_requests(string formatter)
    {
        var secret = GeneratedSecret.New();
        await using var talkative = new InProcessServer
        {
            ["Logging:Console:FormatterName"] = formatter,
            ["Logging:Console:FormatterOptions:IncludeScopes"] = "true",
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Microsoft"] = "Trace",
            ["Logging:Console:LogLevel:Microsoft.AspNetCore.Routing.Matching"] = "Trace",
            ["Logging:Console:LogLevel:Microsoft*DfaMatcher"] = "Trace",
            ["Logging:Console:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "Trace",
            ["Logging:Console:LogLevel:Microsoft.AspNetCore.Server.Kestrel.BadRequests"] = "Trace",
        };
        await talkative.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(talkative.Address);

        using var answer = await caller.Http.GetAsync($"/{secret}?client_secret={secret}", Cancellation);
        await RawConnection.ExchangeAsync(talkative.Address, $"GET / HTTP/1.1\r\nHost: localhost\r\n{secret}\r\n\r\n");
        using var post = new HttpRequestMessage(HttpMethod.Post, $"/oauth/token?x={secret}");
        post.Headers.Add("traceparent", "00-5ec2e75ec2e75ec2e75ec2e75ec2e75e-5ec2e75ec2e75ec2-01");
        using var refused = await caller.Http.SendAsync(post, Cancellation);
        await caller.PostAsync(new TestClient("the-last", GeneratedSecret.New()));

        await Eventually.HoldsAsync("the log has come so far", Soon, () => talkative.Output.Contains("client t...(8)", StringComparison.Ordinal), Cancellation);
        Assert.DoesNotContain(secret, talkative.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("5ec2e75ec2e75ec2", talkative.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_JSON_log_has_a_member_for_each_fact()
    {
        await using var structured = new InProcessServer { ["Logging:Console:FormatterName"] = "json" };
        await structured.StartAsync(Cancellation);
        using var caller = new TokenEndpointCaller(structured.Address);

        await caller.PostAsync(new TestClient("someone", GeneratedSecret.New()));

        await Eventually.HoldsAsync("the refusal is in the log", Soon, () => structured.Output.Contains("...(7)", StringComparison.Ordinal), Cancellation);
        var line = JsonElement.Parse(structured.Output.Split('\n').First(line => line.Contains("...(7)", StringComparison.Ordinal)));
        Assert.Equal("AuthCluster.Tokens", line.GetProperty("Category").GetString());
        Assert.Equal("...(7)", line.GetProperty("State").GetProperty("ClientId").GetString());
        Assert.Equal("invalid_client", line.GetProperty("State").GetProperty("Outcome").GetString());
    }

    [Fact]
    public async Task A_session_that_puts_secrets_everywhere_leaves_none_in_the_log()
    {
        var secret = GeneratedSecret.New();
        var client = new TestClient("usual", secret);
        server.Sensitive.Add(client);

        foreach (var known in PreparedClients.All.Where(known => !PreparedClients.IsCounted(known)))
        {
            Remember(await _caller.PostAsync(known));
            Remember(await _caller.BasicAsync(known));
        }

        await _caller.PostAsync(client);
        await _caller.BasicAsync(client);
        await _caller.PostAsync(new TestClient(secret, secret));
        await _caller.PostAsync(PreparedClients.Usual, $"&scope={secret}");
        await _caller.PostAsync(PreparedClients.Usual, $"&resource=https://x.example/{secret}&audience={secret}");
        await _caller.PostAsync(PreparedClients.Usual, $"&client_assertion={secret}&client_assertion_type={secret}");
        await _caller.PostAsync(PreparedClients.Usual, $"&{secret}={secret}&x=%zz");
        await _caller.SendAsync($"grant_type={secret}&client_secret={secret}");
        await _caller.SendAsync("grant_type=client_credentials", $"Bearer {secret}");
        await _caller.SendAsync("grant_type=client_credentials", secret);
        await _caller.SendAsync(new StringContent(secret, Encoding.UTF8, "text/plain"));
        await GetAsync($"/oauth/token?client_secret={secret}");
        await GetAsync($"/oauth/token/{secret}");
        await GetAsync($"/{secret}");
        await GetAsync($"/.well-known/jwks.json?access_token={secret}");
        await GetAsync($"/metrics?x={secret}");
        await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest($"client_secret={secret}", $"Content-Type: {secret}"));
        await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest($"client_secret={secret}", $"Content-Encoding: {secret}"));
        await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest($"client_secret={secret}", $"Authorization: Basic {secret}", $"Authorization: Basic {secret}"));

        // The log keeps the order of requests: once it shows this last one, it has every line of the requests before.
        await Each_refusal_leaves_the_client_in_the_log();
        Assert.Empty(server.Sensitive.FoundIn(server.Output));
    }

    [Fact]
    public async Task The_data_folder_holds_no_secret_as_it_was_presented()
    {
        await server.TokenAsync(PreparedClients.Given);

        // The server locks the lock file against every other process; the file is empty.
        foreach (var file in Directory.EnumerateFiles(server.DataDirectory, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            Assert.Empty(server.Sensitive.FoundIn(await reader.ReadToEndAsync(Cancellation)));
        }
    }

    private void Remember(TokenAnswer answer)
    {
        if (answer.Status == 200)
        {
            server.Sensitive.AddToken(answer.Token);
        }
    }

    private async Task GetAsync(string path)
    {
        using var answer = await _caller.Http.GetAsync(path, Cancellation);
    }

    public void Dispose() => _caller.Dispose();
}
