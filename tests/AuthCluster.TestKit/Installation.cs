namespace AuthCluster.TestKit;

/// <summary>One installation of the server: its own ports, its own data folder, its settings, all that it prints kept.</summary>
/// <remarks>
/// It may be started, stopped, and started again on the same data and the same ports. Settings are named as an operator names them
/// (<c>AuthCluster:Tokens:Lifetime</c>, <c>ASPNETCORE_URLS</c>); a null value removes one of the defaults made here. Disposing ends the server and
/// deletes the folder, however the test ended.
/// </remarks>
public abstract class Installation : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, string?> _settings;
    private Task<int>? _run;
    private int _startedAt;

    /// <summary>An installation that is not started yet.</summary>
    /// <param name="port">The HTTP port; by default any free one.</param>
    /// <param name="host">The host that the server runs on and listens at.</param>
    protected Installation(int? port = null, string host = "localhost")
    {
        Port = port ?? FreePorts.Take();
        Issuer = $"http://localhost:{Port}";
        Address = new Uri($"http://{host}:{Port}");
        _settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = $"http://{host}:{Port}",
            ["AuthCluster:Issuer"] = Issuer,
            ["AuthCluster:DataDirectory"] = DataDirectory,
            ["AuthCluster:Cluster:SiloPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Cluster:GatewayPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Http:DrainDelay"] = "00:00:00",
        };
    }

    /// <summary>The HTTP port.</summary>
    public int Port { get; }

    /// <summary>The address that the server listens at.</summary>
    public Uri Address { get; }

    /// <summary>The issuer, character for character: the address on this host, unless a test sets another.</summary>
    public string Issuer { get; }

    /// <summary>The data folder; it exists from the first start on.</summary>
    public string DataDirectory => Folder.PathOf("data");

    /// <summary>All that it has printed, over all its starts, standard output and standard error together.</summary>
    public string Output => Printed.ToString();

    /// <summary>What it has printed since its last start.</summary>
    public string OutputOfThisRun => Output[_startedAt..];

    /// <summary>Whether it runs: it was started, and has not ended since.</summary>
    public bool IsRunning => _run is { IsCompleted: false };

    /// <summary>The folder of the installation, which holds the data folder.</summary>
    protected TemporaryFolder Folder { get; } = new();

    /// <summary>Where the server prints to.</summary>
    protected PrintedText Printed { get; } = new();

    /// <summary>The settings that are not removed.</summary>
    protected IReadOnlyDictionary<string, string?> Settings => _settings;

    /// <summary>A configuration key, used by the next start.</summary>
    public string? this[string key]
    {
        get => _settings.GetValueOrDefault(key);
        set => _settings[key] = value;
    }

    /// <summary>Writes a file beside the data folder and returns its full path.</summary>
    public string WriteFile(string name, string text) => Folder.Write(name, text);

    /// <summary>
    /// Starts the server and returns when the server reports that it is ready. If the server ends or the deadline passes first, fails with
    /// everything that the server printed.
    /// </summary>
    public virtual async Task StartAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        Launch(arguments);
        using var http = new HttpClient { BaseAddress = Address, Timeout = ProbeTimeout };
        try
        {
            await Eventually.HoldsAsync("the server is ready", StartDeadline, async () =>
            {
                if (_run is { IsCompleted: true })
                {
                    throw new InvalidOperationException($"The server ended with {await _run} before it was ready.");
                }

                return await IsReadyAsync(http, cancellationToken);
            }, cancellationToken);
        }
        catch (Exception failed) when (failed is InvalidOperationException or TimeoutException)
        {
            throw new InvalidOperationException($"{failed.Message}\n{Tail(OutputOfThisRun)}", failed);
        }
    }

    /// <summary>Starts it with command-line arguments and waits until it ends by itself, as it does on a configuration error; returns its exit code.</summary>
    public virtual Task<int> RunToExitAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        Launch(arguments);
        return EndAsync(StartDeadline, cancellationToken);
    }

    /// <summary>Asks it to stop and returns at once; <see cref="ExitAsync"/> waits for the end.</summary>
    public abstract Task BeginStopAsync();

    /// <summary>Asks it to stop, waits until it has, and returns its exit code.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        await BeginStopAsync();
        return await ExitAsync(cancellationToken);
    }

    /// <summary>Waits until it has ended and returns its exit code.</summary>
    public Task<int> ExitAsync(CancellationToken cancellationToken) => EndAsync(StopDeadline, cancellationToken);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        Folder.Dispose();
        await Printed.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The end of a long output, for a failure message.</summary>
    public static string Tail(string output, int characters = 6_000)
    {
        ArgumentNullException.ThrowIfNull(output);
        return output.Length <= characters ? output : "…" + output[^characters..];
    }

    /// <summary>Runs the server until it ends.</summary>
    /// <returns>Its exit code.</returns>
    protected abstract Task<int> RunAsync(string[] arguments);

    private void Launch(string[] arguments)
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("The server is running already.");
        }

        _startedAt = Printed.Length;
        _run = RunAsync(arguments);
    }

    private async Task<int> EndAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        try
        {
            return await (_run ?? throw new InvalidOperationException("The server was never started.")).WaitAsync(within, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The server did not end within {within.TotalSeconds} s.\n{Tail(OutputOfThisRun)}");
        }
    }

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
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
