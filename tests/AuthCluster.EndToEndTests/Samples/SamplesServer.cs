using System.Diagnostics;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.EndToEndTests.Samples;

/// <summary>What <c>samples/README.md</c> starts: the server with the samples' clients, and the API that the callers call.</summary>
public sealed class SamplesServer : IAsyncLifetime
{
    /// <summary>The usual caller of the API: <c>read</c> and <c>write</c>.</summary>
    public static readonly TestClient Worker = new("worker", "only-for-samples-worker");

    /// <summary>The command line's client.</summary>
    public static readonly TestClient MyCli = new("my-cli", "only-for-samples-my-cli");

    /// <summary>Places orders.</summary>
    public static readonly TestClient Shop = new("shop", "only-for-samples-shop");

    private readonly ServerProcess _process = new();
    private RunningProgram? _api;
    private TokenCounter? _counter;

    /// <summary>The authorization server.</summary>
    public Uri Address => _process.Address;

    /// <summary>Its issuer.</summary>
    public string Issuer => $"http://localhost:{_process.Port}";

    /// <summary>The .NET resource server.</summary>
    public Uri Api => _api?.Address ?? throw new InvalidOperationException("The API is not running.");

    /// <summary>How many tokens the server has issued.</summary>
    public Task<int> IssuedAsync() => _counter!.CountAsync("issued");

    /// <summary>A token, which must be granted.</summary>
    public async Task<string> TokenAsync(TestClient client, string more = "")
    {
        using var caller = new TokenEndpointCaller(Address);
        var answer = await caller.PostAsync(client, more);
        Assert.True(answer.Status == 200, answer.Body);
        return answer.Token;
    }

    /// <summary>Runs a sample to its end with the environment that its README names.</summary>
    public async Task<CommandResult> RunAsync(TestClient client, string folder, string command, string[] arguments, params (string Name, string? Value)[] environment)
    {
        ArgumentNullException.ThrowIfNull(client);
        var start = new ProcessStartInfo(command, arguments) { WorkingDirectory = Folder(folder) };
        start.Environment["AUTH_ISSUER"] = Issuer;
        start.Environment["API_URL"] = Api.ToString().TrimEnd('/');
        start.Environment["CLIENT_ID"] = client.Id;
        start.Environment["CLIENT_SECRET"] = client.Secret;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var result = await Command.RunAsync(start, TestContext.Current.CancellationToken);
        // Whether it succeeds or fails, no sample may print a secret or a token.
        Assert.DoesNotContain(client.Secret, result.Output + result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", result.Output + result.Error, StringComparison.Ordinal);
        return result;
    }

    /// <summary>Runs a .NET sample to its end.</summary>
    public Task<CommandResult> RunDotnetAsync(TestClient client, string folder, string assembly, string[] arguments, params (string Name, string? Value)[] environment) =>
        RunAsync(client, folder, "dotnet", [AssemblyOf(folder, assembly), .. arguments], environment);

    /// <summary>Starts a .NET sample that is a service, at an address of the test's own.</summary>
    public Task<RunningProgram> StartServiceAsync(string folder, string assembly, Uri address, TestClient client, params (string Name, string? Value)[] environment)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(client);
        // From the project's folder, as "dotnet run" does, because appsettings.json is there.
        var start = new ProcessStartInfo("dotnet", [AssemblyOf(folder, assembly)]) { WorkingDirectory = Folder(folder) };
        start.Environment["Urls"] = address.ToString();
        start.Environment["AuthCluster__Issuer"] = Issuer;
        start.Environment["AuthCluster__ClientSecret"] = client.Secret;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return RunningProgram.StartAsync(start, address, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _process["AuthCluster:Bootstrap:ClientsFile"] = Repository.PathOf("samples", "clients.json");
        await _process.StartAsync(CancellationToken.None);
        _counter = new TokenCounter(Address);
        _api = await StartServiceAsync("dotnet-resource-server", "ResourceServer", NewAddress(), new TestClient("resources", "only-for-samples-resources"));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_api is not null)
        {
            await _api.DisposeAsync();
        }

        _counter?.Dispose();
        await _process.DisposeAsync();
    }

    /// <summary>A free address.</summary>
    public static Uri NewAddress() => new($"http://localhost:{FreePorts.Take()}");

    /// <summary>A folder under <c>samples</c>.</summary>
    public static string Folder(string name) => Repository.PathOf(["samples", .. name.Split('/')]);

    private static string AssemblyOf(string folder, string assembly) => Path.Combine(Folder(folder), "bin", Repository.Configuration, "net10.0", assembly + ".dll");
}

/// <summary>The test classes that use the one server of <see cref="SamplesServer"/>.</summary>
[CollectionDefinition(Name)]
public sealed class WithSamples : ICollectionFixture<SamplesServer>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "with the samples";
}
