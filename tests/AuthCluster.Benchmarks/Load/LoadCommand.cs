using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using AuthCluster.TestKit;

namespace AuthCluster.Benchmarks.Load;

/// <summary>Drives the floor and the product in turn and prints how the product compares.</summary>
internal static class LoadCommand
{
    private const int Many = 1_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Runs the whole comparison.</summary>
    public static async Task<int> RunAsync(LoadOptions options)
    {
        var driver = await LoadDriver.BestAsync();
        var clients = Enumerable.Range(0, Many + 1).Select(i => (Id: $"client-{i}", Secret: GeneratedSecret.New())).ToList();
        await using var product = new ServerProcess();
        product["AuthCluster:Bootstrap:ClientsFile"] = product.WriteFile("clients.json", ClientsFile(clients));
        await product.StartAsync(CancellationToken.None);
        using var floor = await StartFloorAsync();
        try
        {
            var floorTarget = new LoadTarget("floor", floor.Address, floor.Process.Id, [Form(FloorServer.Client)]);
            Console.WriteLine($"{options.Callers} callers, {options.Rounds} rounds of {options.Seconds} s each, driven by {driver.Name}, {Environment.ProcessorCount} processors");
            await CompareAsync("one hot client", driver, floorTarget, Product(product, clients.TakeLast(1)), options);
            await CompareAsync($"{Many:n0} clients", driver, floorTarget, Product(product, clients.Take(Many)), options);
            return 0;
        }
        finally
        {
            floor.Process.Kill();
        }
    }

    private static LoadTarget Product(ServerProcess server, IEnumerable<(string Id, string Secret)> clients) =>
        new("product", server.Address, server.ProcessId, [.. clients.Select(Form)]);

    private static async Task CompareAsync(string title, LoadDriver driver, LoadTarget floor, LoadTarget product, LoadOptions options)
    {
        await Measurement.TakeAsync(driver, floor, options, WarmUp);
        await Measurement.TakeAsync(driver, product, options, WarmUp);
        List<(Measurement Floor, Measurement Product)> rounds = [];
        Console.WriteLine($"\n{title,-18}{"floor",12}{"product",12}{"×",8}{"floor",12}{"product",12}{"×",8}");
        Console.WriteLine($"{"",-18}{"tokens/s",12}{"tokens/s",12}{"",8}{"µs CPU",12}{"µs CPU",12}");
        for (var round = 1; round <= options.Rounds; round++)
        {
            var duration = TimeSpan.FromSeconds(options.Seconds);
            var (ofFloor, ofProduct) = (await Measurement.TakeAsync(driver, floor, options, duration), await Measurement.TakeAsync(driver, product, options, duration));
            rounds.Add((ofFloor, ofProduct));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  round {round,-10}{ofFloor.TokensPerSecond,12:f0}{ofProduct.TokensPerSecond,12:f0}{ofProduct.TokensPerSecond / ofFloor.TokensPerSecond,8:f2}{ofFloor.ProcessorMicroseconds,12:f1}{ofProduct.ProcessorMicroseconds,12:f1}{ofProduct.ProcessorMicroseconds / ofFloor.ProcessorMicroseconds,8:f2}"));
        }

        Print("tokens/s, product ÷ floor", rounds.Select(pair => pair.Product.TokensPerSecond / pair.Floor.TokensPerSecond));
        Print("CPU a token, product ÷ floor", rounds.Select(pair => pair.Product.ProcessorMicroseconds / pair.Floor.ProcessorMicroseconds));
    }

    private static void Print(string what, IEnumerable<double> ratios)
    {
        var sorted = ratios.Order().ToList();
        var median = (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: median {median:f2} (min {sorted[0]:f2}, max {sorted[^1]:f2})"));
    }

    private static string ClientsFile(IEnumerable<(string Id, string Secret)> clients) => new JsonArray(
        [.. clients.Select(client => new JsonObject { ["clientId"] = client.Id, ["secret"] = client.Secret, ["scopes"] = new JsonArray("read", "write") })]).ToJsonString();

    private static string Form((string Id, string Secret) client) =>
        $"grant_type=client_credentials&client_id={client.Id}&client_secret={client.Secret}&scope=read+write";

    private static async Task<RunningFloor> StartFloorAsync()
    {
        var address = new Uri($"http://localhost:{FreePorts.Take()}");
        var start = new ProcessStartInfo("dotnet", [typeof(FloorServer).Assembly.Location, "floor", "--urls", address.ToString()]);
        var process = Process.Start(start) ?? throw new InvalidOperationException("The floor did not start.");
        using var http = new HttpClient { BaseAddress = address };
        await Eventually.HoldsAsync("the floor is ready", StartDeadline, async () =>
        {
            try
            {
                return (await http.GetAsync("/health/ready")).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, CancellationToken.None);
        return new RunningFloor(address, process);
    }

    private sealed record RunningFloor(Uri Address, Process Process) : IDisposable
    {
        public void Dispose() => Process.Dispose();
    }
}
