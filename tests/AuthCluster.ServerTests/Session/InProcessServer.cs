using AuthCluster.Server.Startup;
using AuthCluster.TestKit;

namespace AuthCluster.ServerTests.Session;

/// <summary>
/// The whole server in this process, built as in a process of its own: silo, listener and database; everything that it prints is kept.
/// </summary>
/// <remarks>
/// It is used like <see cref="ServerProcess"/>. After the first one, each starts several times faster. Settings go to its command line, so
/// that servers side by side don't share them. A test about signals, kills, the environment or the exit code needs a real process.
/// </remarks>
public sealed class InProcessServer : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);

    /// <summary>A server takes the console while it starts, and a process has one console: so one server starts at a time.</summary>
    private static readonly SemaphoreSlim ConsoleTurn = new(1);

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _settings;
    private readonly PrintedText _output = new();
    private readonly CancellationTokenSource _stop = new();
    private Task<int> _run = Task.FromResult(0);

    /// <summary>A server that is not started yet.</summary>
    public InProcessServer()
    {
        Port = FreePorts.Take();
        Address = new Uri($"http://localhost:{Port}");
        _settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["environment"] = "Production",
            ["urls"] = $"http://localhost:{Port}",
            ["AuthCluster:Issuer"] = $"http://localhost:{Port}",
            ["AuthCluster:DataDirectory"] = DataDirectory,
            ["AuthCluster:Cluster:SiloPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Cluster:GatewayPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Http:DrainDelay"] = "00:00:00",
            ["Logging:Console:FormatterOptions:ColorBehavior"] = "Disabled",
        };
    }

    /// <summary>The HTTP port.</summary>
    public int Port { get; }

    /// <summary>Where it listens, which is its issuer too unless a test sets another.</summary>
    public Uri Address { get; }

    /// <summary>The data folder; it exists from the start on.</summary>
    public string DataDirectory => _folder.PathOf("data");

    /// <summary>All that it has printed.</summary>
    public string Output => _output.ToString();

    /// <summary>The clock of all that runs in it.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>A configuration key, used by the start.</summary>
    public string? this[string key]
    {
        get => _settings.GetValueOrDefault(key);
        set => _settings[key] = value;
    }

    /// <summary>Writes a file that lives beside the data folder and returns its full path.</summary>
    public string WriteFile(string name, string text) => _folder.Write(name, text);

    /// <summary>Starts it and returns when it says that it is ready; fails as its start does.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => WithConsoleAsync(
        async () =>
        {
            Launch();
            using var http = new HttpClient { BaseAddress = Address };
            await Eventually.HoldsAsync("the server is ready", StartDeadline, async () =>
            {
                if (_run.IsCompleted)
                {
                    throw new InvalidOperationException($"The server ended with {await _run} before it was ready.\n{Output}");
                }

                return await IsReadyAsync(http, cancellationToken);
            }, cancellationToken);
        },
        cancellationToken);

    /// <summary>Starts it, which must fail, and returns the exception that the process would report.</summary>
    public async Task<Exception> RefusedStartAsync(CancellationToken cancellationToken)
    {
        Exception? refusal = null;
        await WithConsoleAsync(
            async () =>
            {
                Launch();
                refusal = await Assert.ThrowsAnyAsync<Exception>(() => _run.WaitAsync(StartDeadline, cancellationToken));
            },
            cancellationToken);
        _run = Task.FromResult(0);
        return refusal!;
    }

    /// <summary>Stops it, as SIGTERM would, and returns when it has stopped.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
        }
        finally
        {
            _stop.Dispose();
            _folder.Dispose();
            await _output.DisposeAsync();
        }
    }

    // On the thread pool, so that nothing of the test's own context flows into the server.
    private void Launch() => _run = Task.Run(() => ServerHost.RunAsync(Arguments(), Clock, _stop.Token), CancellationToken.None);

    private async Task WithConsoleAsync(Func<Task> start, CancellationToken cancellationToken)
    {
        await ConsoleTurn.WaitAsync(cancellationToken);
        var (output, error) = (Console.Out, Console.Error);
        try
        {
            Console.SetOut(_output);
            Console.SetError(_output);
            await start();
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            ConsoleTurn.Release();
        }
    }

    private string[] Arguments() => [.. _settings.Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}")];

    private static async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync("/health/ready", cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
