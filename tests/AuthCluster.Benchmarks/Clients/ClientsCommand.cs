using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using AuthCluster.TestKit;

namespace AuthCluster.Benchmarks.Clients;

/// <summary>
/// Creates many clients through the admin API of a real server on SQLite and prints how fast that goes, how long lists and searches
/// take then, and what memory the server needs for clients that nobody uses.
/// </summary>
internal static class ClientsCommand
{
    private const int Callers = 16;
    private const int Pages = 300;
    private const string Admin = "admin";

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    /// <summary>Runs the benchmark with this many clients.</summary>
    public static async Task<int> RunAsync(int clients)
    {
        await using var server = new ServerProcess();
        var secret = GeneratedSecret.New();
        server["AuthCluster:Bootstrap:AdminClientId"] = Admin;
        server["AuthCluster:Bootstrap:AdminClientSecret"] = secret;
        await server.StartAsync(CancellationToken.None);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Address };
        await SignInAsync(http, secret);
        await Task.Delay(Idle);
        Console.WriteLine($"{"without clients",-32}{server.ResidentBytes() / 1_048_576,8} MiB");

        var one = await http.PostAsJsonAsync("/admin/v1/clients", Document(clients));
        one.EnsureSuccessStatusCode();
        var latencies = new List<double>(clients);
        var next = 0;
        var (started, used) = (Stopwatch.GetTimestamp(), server.ProcessorTime());
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            var mine = new List<double>();
            for (int i; (i = Interlocked.Increment(ref next) - 1) < clients;)
            {
                var asked = Stopwatch.GetTimestamp();
                using var answer = await http.PostAsJsonAsync("/admin/v1/clients", Document(i));
                answer.EnsureSuccessStatusCode();
                mine.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            lock (latencies)
            {
                latencies.AddRange(mine);
            }
        })));
        var (took, cost) = (Stopwatch.GetElapsedTime(started), server.ProcessorTime() - used);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{clients:n0} created by {Callers} callers in {took.TotalSeconds:f0} s: {clients / took.TotalSeconds:f0} a second, {cost.TotalMilliseconds / clients:f2} ms of processor time each"));
        Print("creation", latencies);
        Console.WriteLine($"{"after creating them",-32}{server.ResidentBytes() / 1_048_576,8} MiB, {await ActivationsAsync(http)} in memory");

        await server.StopAsync(CancellationToken.None);
        await server.StartAsync(CancellationToken.None);
        await SignInAsync(http, secret);
        await Task.Delay(Idle);
        Console.WriteLine($"{"after a restart",-32}{server.ResidentBytes() / 1_048_576,8} MiB, {await ActivationsAsync(http)} in memory");

        var random = new Random(1);
        await MeasureAsync(http, "page of 100 after any id", () => $"after={Id(random.Next(clients))}");
        await MeasureAsync(http, "page of 1,000 after any id", () => $"limit=1000&after={Id(random.Next(clients))}");
        await MeasureAsync(http, "search: a whole id", () => $"search={Id(random.Next(clients))}");
        await MeasureAsync(http, "search: beginning of a name", () => $"search=Service%20{random.Next(clients) / 100}");
        await MeasureAsync(http, "search: what all names have", () => "search=service");
        await MeasureAsync(http, "owner", () => $"owner=team-{random.Next(500)}");
        await MeasureAsync(http, "owner and beginning of a name", () => $"owner=team-{random.Next(500)}&search=Service%20{random.Next(9)}");
        await Task.Delay(Idle);
        Console.WriteLine($"{"after all lists",-32}{server.ResidentBytes() / 1_048_576,8} MiB, {await ActivationsAsync(http)} in memory");
        return 0;
    }

    private static string Id(int i) => $"{unchecked((uint)i * 2_654_435_761):x8}-{i}";

    private static JsonObject Document(int i) => new()
    {
        ["clientId"] = Id(i),
        ["name"] = $"Service {i}",
        ["scopes"] = new JsonArray("orders:read", "orders:write"),
        ["metadata"] = new JsonObject { ["owner"] = $"team-{i % 500}" },
    };

    private static async Task MeasureAsync(HttpClient http, string what, Func<string> query)
    {
        var latencies = new List<double>(Pages);
        for (var i = 0; i < Pages; i++)
        {
            var path = $"/admin/v1/clients?{query()}";
            var asked = Stopwatch.GetTimestamp();
            _ = await http.GetByteArrayAsync(path);
            latencies.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
        }

        Print(what, latencies);
    }

    private static void Print(string what, List<double> milliseconds)
    {
        milliseconds.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what,-32}p50 {milliseconds[milliseconds.Count / 2],7:f1} ms   p99 {milliseconds[milliseconds.Count * 99 / 100],7:f1} ms"));
    }

    private static async Task<int> ActivationsAsync(HttpClient http)
    {
        var cluster = await http.GetFromJsonAsync<JsonNode>("/admin/v1/cluster");
        return cluster!["silos"]![0]!["activations"]!.GetValue<int>();
    }

    private static async Task SignInAsync(HttpClient http, string secret)
    {
        http.DefaultRequestHeaders.Authorization = null;
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = Admin,
            ["client_secret"] = secret,
        });
        using var answer = await http.PostAsync("/oauth/token", form);
        var token = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token!["access_token"]!.GetValue<string>());
    }
}
