using System.Collections;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace AuthCluster.TestKit;

/// <summary>The built server as a real process. Settings become environment variables; disposing kills the process.</summary>
/// <param name="port">The HTTP port; by default any free one.</param>
/// <param name="host">The host that it listens at; <see cref="Prefix"/> makes it run there.</param>
public sealed partial class ServerProcess(int? port = null, string host = "localhost") : Installation(port, host)
{
    private Process? _process;

    /// <summary>The process id of the running server.</summary>
    public int ProcessId => Running.Id;

    /// <summary>Whether the server is paused: halted, and neither continued nor ended since.</summary>
    public bool IsPaused { get => field && IsRunning; private set; }

    /// <summary>The assembly that is started: the server of this build, unless a test sets another one.</summary>
    public string Assembly { get; set; } = Repository.AssemblyOf("AuthCluster.Server");

    /// <summary>The working directory; by default a folder of the installation's own.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>A command line that precedes the server's own and then becomes the server, as <c>setpriv</c> does; by default none.</summary>
    public IReadOnlyList<string> Prefix { get; set; } = [];

    private Process Running => _process ?? throw new InvalidOperationException("The server is not running.");

    /// <summary>Sends SIGTERM and returns at once.</summary>
    public override Task BeginStopAsync() => SignalAsync("TERM");

    /// <summary>Kills it (SIGKILL) and returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        Running.Kill(entireProcessTree: true);
        await ExitAsync(CancellationToken.None);
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
    public override async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override async Task<int> RunAsync(string[] arguments)
    {
        if (!File.Exists(Assembly))
        {
            throw new InvalidOperationException($"{Assembly} does not exist: build the solution in configuration {Repository.Configuration} first.");
        }

        ArgumentNullException.ThrowIfNull(arguments);
        string[] words = [.. Prefix, "dotnet", Assembly, .. arguments];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            WorkingDirectory = WorkingDirectory ?? Folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ForgetOwnConfiguration(start);
        foreach (var (key, value) in Settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process?.Dispose();
        IsPaused = false;
        var process = _process = Process.Start(start) ?? throw new InvalidOperationException("The server did not start.");
        process.StandardInput.Close();
        var printing = Task.WhenAll(Printed.PumpAsync(process.StandardOutput), Printed.PumpAsync(process.StandardError));
        await process.WaitForExitAsync();
        await printing;
        return process.ExitCode;
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

    private async Task SignalAsync(string signal)
    {
        // The shell's own kill: a minimal Debian has no kill program.
        var sent = await Command.RunAsync("sh", "-c", $"kill -{signal} {Running.Id}");
        sent.OutputOrThrow();
    }

    [GeneratedRegex("^(AuthCluster__|ASPNETCORE_|OTEL_|Logging__|DOTNET_ENVIRONMENT$|DOTNET_URLS$)", RegexOptions.IgnoreCase)]
    private static partial Regex OwnConfiguration();
}
