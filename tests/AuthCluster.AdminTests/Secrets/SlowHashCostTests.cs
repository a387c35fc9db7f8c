using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.TestKit.OAuth;
using AuthCluster.TestKit;

namespace AuthCluster.AdminTests.Secrets;

/// <summary>What slow hashes cost the server: once for a strong secret, and never more than a share of it in a flood.</summary>
public sealed class SlowHashCostTests
{
    private const int Iterations = 2_000_000;
    private static readonly TimeSpan Flood = TimeSpan.FromSeconds(6);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_strong_imported_secret_costs_one_slow_hash_ever_and_a_weak_one_costs_one_after_each_start()
    {
        // Its own process: what it costs is processor time.
        var process = new ServerProcess();
        await using var server = new AdminServer(process);
        await server.StartAsync();
        var admin = await server.CallerAsync();
        var (strong, weak) = (new TestClient("strong", "a secret of more than 32 characters"), new TestClient("weak", "a secret of 26 characters"));
        foreach (var client in (TestClient[])[strong, weak])
        {
            await admin.CreateAsync(client.Id, new JsonObject { ["secretHash"] = HydraHash(client.Secret) });
        }

        var hash = await CostAsync(server, process, strong, 1);
        Assert.True(await CostAsync(server, process, strong, 20) < hash * 5, "A proven strong secret costs slow hashes.");
        var weakHash = await CostAsync(server, process, weak, 1);
        Assert.True(await CostAsync(server, process, weak, 20) < weakHash * 5, "A proven weak secret costs slow hashes.");
        Assert.Contains("\"mac\"", RowOf(server, strong), StringComparison.Ordinal);
        Assert.DoesNotContain("\"mac\"", RowOf(server, weak), StringComparison.Ordinal);

        await server.Installation.StopAsync(Cancellation);
        await server.StartAsync();
        await server.TokenAsync(AdminServer.Plain);

        Assert.True(await CostAsync(server, process, strong, 20) < hash * 5, "A proven strong secret costs slow hashes after a restart.");
        Assert.True(await CostAsync(server, process, weak, 1) > hash / 2, "A weak secret was let in without its slow hash.");
        Assert.True(await CostAsync(server, process, weak, 20) < weakHash * 5, "A proven weak secret costs slow hashes after a restart.");
    }

    [Fact]
    public async Task A_flood_of_wrong_secrets_starves_nobody_and_the_right_secret_gets_in()
    {
        // Its own process: 32 callers on the server's thread pool would starve it themselves.
        await using var server = new AdminServer(new ServerProcess());
        await server.StartAsync();
        var admin = await server.CallerAsync();
        var (flooded, _) = await admin.CreateAsync("flooded", new JsonObject { ["secret"] = "a given secret, not proven" });
        flooded = flooded with { Secret = "a given secret, not proven" };
        await server.TokenAsync(AdminServer.Plain);
        using var there = HttpFrom(server, "127.0.2.1");
        using var elsewhere = HttpFrom(server, "127.0.3.1");
        var flood = new ConcurrentBag<int>();
        var others = new List<TimeSpan>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var flooding = Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            for (var n = 0; !end.IsCancellationRequested; n++)
            {
                flood.Add(await AskAsync(there, flooded with { Secret = $"a wrong secret {i} {n}" }));
            }
        }, Cancellation)).ToList();
        var asking = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                var started = Stopwatch.GetTimestamp();
                Assert.Equal(200, await AskAsync(elsewhere, AdminServer.Plain));
                others.Add(Stopwatch.GetElapsedTime(started));
                await Task.Delay(20, Cancellation);
            }
        }, Cancellation);
        await Task.Delay(Flood / 2, Cancellation);
        var unproven = Stopwatch.GetTimestamp();
        var right = await AskAsync(elsewhere, flooded);
        var tookUnproven = Stopwatch.GetElapsedTime(unproven);
        var proven = Stopwatch.GetTimestamp();
        var fromThere = await AskAsync(there, flooded);
        var tookProven = Stopwatch.GetElapsedTime(proven);
        await Task.Delay(Flood / 2, Cancellation);
        await end.CancelAsync();
        await Task.WhenAll([.. flooding, asking]);

        others.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"flood: {flood.Count(status => status == 401)} refused, {flood.Count(status => status == 503)} sent away; "
            + $"right secret from elsewhere {tookUnproven.TotalMilliseconds:f0} ms, once proven {tookProven.TotalMilliseconds:f0} ms; "
            + $"{others.Count} tokens of another client, median {others[others.Count / 2].TotalMilliseconds:f1} ms, slowest {others[^1].TotalMilliseconds:f0} ms");
        Assert.Equal((200, 200), (right, fromThere));
        Assert.True(tookUnproven < TimeSpan.FromSeconds(5), $"The right secret waited {tookUnproven.TotalSeconds:f1} s.");
        Assert.True(others[others.Count * 9 / 10] < TimeSpan.FromSeconds(1), $"Another client waited {others[others.Count * 9 / 10].TotalSeconds:f1} s.");
        Assert.Superset(flood.ToHashSet(), new HashSet<int> { 401, 503 });
        Assert.Contains(503, flood);
    }

    private static async Task<TimeSpan> CostAsync(AdminServer server, ServerProcess process, TestClient client, int tokens)
    {
        var before = process.ProcessorTime();
        for (var i = 0; i < tokens; i++)
        {
            await server.TokenAsync(client);
        }

        return process.ProcessorTime() - before;
    }

    private static string RowOf(AdminServer server, TestClient client) =>
        Assert.Single(server.Query($"select cast(payload as text) from grain_state where grain_key = 'c:{client.Id}'"))[0];

    private static string HydraHash(string secret)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var key = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), salt, Iterations, HashAlgorithmName.SHA256, 32);
        return $"$pbkdf2-sha256$i={Iterations},l=32${Convert.ToBase64String(salt).TrimEnd('=')}${Convert.ToBase64String(key).TrimEnd('=')}";
    }

    private static async Task<int> AskAsync(HttpClient http, TestClient client)
    {
        using var content = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client.Id,
            ["client_secret"] = client.Secret,
        });
        using var response = await http.PostAsync("/oauth/token", content, Cancellation);
        return (int)response.StatusCode;
    }

    /// <summary>A caller of another network: all of 127.0.0.0/8 is this machine.</summary>
    private static HttpClient HttpFrom(AdminServer server, string address)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                    await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new HttpClient(handler) { BaseAddress = server.Installation.Address, Timeout = TimeSpan.FromSeconds(40) };
    }
}
