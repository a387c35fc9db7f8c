using System.Collections;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace AuthCluster.TestKit;

/// <summary>The built server as a real process: its own ports, its own data folder, all that it prints kept.</summary>
/// <remarks>
/// One object is one installation: it may be started, stopped or killed, and started again on the same data and the same ports.
/// Settings are configuration keys (<c>AuthCluster:Tokens:Lifetime</c>), handed over as environment variables; a null value removes one of the
/// defaults made here. Disposing kills the process and deletes the folder, however the test ended.
/// </remarks>
public sealed partial class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _settings;
    private readonly OutputText _output = new();
    private Process? _process;
    private Task _pumps = Task.CompletedTask;
    private int _startedAt;

    /// <summary>An installation that is not started yet.</summary>
    /// <param name="port">The HTTP port; by default any free one.</param>
    public ServerProcess(int? port = null)
    {
        Port = port ?? FreePorts.Take();
        WorkingDirectory = _folder.Path;
        Address = new Uri($"http://localhost:{Port}");
        _settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = $"http://localhost:{Port}",
            ["AuthCluster:Issuer"] = $"http://localhost:{Port}",
            ["AuthCluster:DataDirectory"] = DataDirectory,
            ["AuthCluster:Cluster:SiloPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Cluster:GatewayPort"] = $"{FreePorts.Take()}",
            ["AuthCluster:Http:DrainDelay"] = "00:00:00",
        };
    }

    /// <summary>The HTTP port.</summary>
    public int Port { get; }

    /// <summary>The address that the server listens at. It is also the issuer, unless a test sets another issuer.</summary>
    public Uri Address { get; }

    /// <summary>The data folder; it exists from the first start on.</summary>
    public string DataDirectory => _folder.PathOf("data");

    /// <summary>All that it has printed, over all its starts, standard output and standard error together.</summary>
    public string Output => _output.Text;

    /// <summary>What it has printed since its last start.</summary>
    public string OutputOfThisRun => _output.Text[_startedAt..];

    /// <summary>The process id of the running server.</summary>
    public int ProcessId => Running.Id;

    /// <summary>Whether a process runs.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Whether the server is paused: halted, and neither continued nor ended since.</summary>
    public bool IsPaused { get => field && IsRunning; private set; }

    /// <summary>The assembly that is started: the server of this build, unless a test sets another one.</summary>
    public string Assembly { get; set; } = Repository.AssemblyOf("AuthCluster.Server");

    /// <summary>The working directory; by default a folder of the installation's own.</summary>
    public string WorkingDirectory { get; set; }

    /// <summary>A command line that precedes the server's own and then becomes the server, as <c>setpriv</c> does; by default none.</summary>
    public IReadOnlyList<string> Prefix { get; set; } = [];

    private Process Running => _process ?? throw new InvalidOperationException("The server is not running.");

    /// <summary>A configuration key, used by the next start.</summary>
    public string? this[string key]
    {
        get => _settings.GetValueOrDefault(key);
        set => _settings[key] = value;
    }

    /// <summary>Writes a file beside the data folder and returns its full path.</summary>
    public string WriteFile(string name, string text) => _folder.Write(name, text);

    /// <summary>
    /// Starts the server and returns when the server reports that it is ready. If the server ends or the deadline passes first, fails with
    /// everything that the server printed.
    /// </summary>
    public async Task StartAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        Launch(arguments);
        using var http = new HttpClient { BaseAddress = Address, Timeout = ProbeTimeout };
        try
        {
            await Eventually.HoldsAsync("the server is ready", StartDeadline, async () =>
            {
                if (Running.HasExited)
                {
                    await _pumps;
                    throw new InvalidOperationException($"The server ended with {Running.ExitCode} before it was ready.");
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
    public async Task<int> RunToExitAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        Launch(arguments);
        return await EndAsync(StartDeadline, cancellationToken);
    }

    /// <summary>Sends SIGTERM and returns at once; <see cref="ExitAsync"/> waits for the end.</summary>
    public Task BeginStopAsync() => SignalAsync("TERM");

    /// <summary>Asks it to stop (SIGTERM), waits until it has, and returns its exit code.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        await BeginStopAsync();
        return await EndAsync(StopDeadline, cancellationToken);
    }

    /// <summary>Waits until the process has ended and returns its exit code.</summary>
    public Task<int> ExitAsync(CancellationToken cancellationToken) => EndAsync(StopDeadline, cancellationToken);

    /// <summary>Kills it (SIGKILL) and returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        Running.Kill(entireProcessTree: true);
        await EndAsync(StopDeadline, CancellationToken.None);
    }

    /// <summary>Halts it (SIGSTOP): it keeps its sockets and answers nothing.</summary>
    public Task PauseAsync()
    {
        IsPaused = true;
        return SignalAsync("STOP");
    }

    /// <summary>Lets the server continue after a pause (SIGCONT).</summary>
    public Task ContinueAsync()
    {
        IsPaused = false;
        return SignalAsync("CONT");
    }

    /// <summary>The physical memory that it uses now, in bytes.</summary>
    public long ResidentBytes()
    {
        Running.Refresh();
        return Running.WorkingSet64;
    }

    /// <summary>The processor time that it has used since it started.</summary>
    public TimeSpan ProcessorTime()
    {
        Running.Refresh();
        return Running.TotalProcessorTime;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
        _folder.Dispose();
    }

    /// <summary>The end of a long output, for a failure message.</summary>
    public static string Tail(string output, int characters = 6_000)
    {
        ArgumentNullException.ThrowIfNull(output);
        return output.Length <= characters ? output : "…" + output[^characters..];
    }

    private void Launch(string[] arguments)
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("The server is running already.");
        }

        if (!File.Exists(Assembly))
        {
            throw new InvalidOperationException($"{Assembly} does not exist: build the solution in configuration {Repository.Configuration} first.");
        }

        string[] words = [.. Prefix, "dotnet", Assembly, .. arguments];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            WorkingDirectory = WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ForgetOwnConfiguration(start);
        foreach (var (key, value) in _settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process?.Dispose();
        _startedAt = _output.Length;
        IsPaused = false;
        _process = Process.Start(start) ?? throw new InvalidOperationException("The server did not start.");
        _process.StandardInput.Close();
        _pumps = Task.WhenAll(_output.PumpAsync(_process.StandardOutput), _output.PumpAsync(_process.StandardError));
    }

    /// <summary>Removes the variables that configure the test run, so that they don't configure the server too.</summary>
    private static void ForgetOwnConfiguration(ProcessStartInfo start)
    {
        foreach (var name in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(variable => (string)variable.Key))
        {
            if (OwnConfiguration().IsMatch(name))
            {
                start.Environment.Remove(name);
            }
        }
    }

    private async Task<int> EndAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(within);
        try
        {
            await Running.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The server did not end within {within.TotalSeconds} s.\n{Tail(OutputOfThisRun)}");
        }

        await _pumps;
        return Running.ExitCode;
    }

    private async Task SignalAsync(string signal)
    {
        // The shell's own kill: a minimal Debian has no kill program.
        var sent = await Command.RunAsync("sh", "-c", $"kill -{signal} {Running.Id}");
        sent.OutputOrThrow();
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

    [GeneratedRegex("^(AuthCluster__|ASPNETCORE_|OTEL_|Logging__|DOTNET_ENVIRONMENT$|DOTNET_URLS$)", RegexOptions.IgnoreCase)]
    private static partial Regex OwnConfiguration();
}
