using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>A PostgreSQL server of the test's own: a fresh data folder, a free port on loopback, no password.</summary>
/// <remarks>
/// A test may stop, kill or halt the server and start it again on the same data and port. The server refuses to run as root, so a test
/// that runs as root starts it as the user <c>postgres</c>, which the package creates. Disposing ends it and deletes the folder.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "postgres";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly PrintedText _output = new();
    private readonly string _binaries;
    private readonly string[] _settings;
    private Process? _process;
    private Task _pumps = Task.CompletedTask;

    private PostgresServer(string binaries, string[] settings)
    {
        _binaries = binaries;
        _settings = settings;
        // A test run that is cut short must not leave a server behind.
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>The port that it listens on, on loopback only.</summary>
    public int Port { get; } = FreePorts.Take();

    /// <summary>What it has logged.</summary>
    public string Output => _output.ToString();

    /// <summary>The process id of the running server.</summary>
    public int ProcessId => Running.Id;

    private string DataFolder => _folder.PathOf("data");

    private Process Running => _process ?? throw new InvalidOperationException("The PostgreSQL server is not running.");

    /// <summary>Skips the test, or fails it in CI, when this machine has no PostgreSQL server.</summary>
    public static void Need()
    {
        if (FindBinaries() is null)
        {
            RequiredTool.Miss("a PostgreSQL server (package postgresql)");
        }
    }

    /// <summary>Creates a server and starts it. Call <see cref="Need"/> first.</summary>
    /// <param name="fsync">Whether the server syncs to disk as a real one does. It is faster without, and as safe unless the machine dies.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="settings">More settings, each as <c>name=value</c>.</param>
    public static async Task<PostgresServer> StartAsync(bool fsync, CancellationToken cancellationToken, params string[] settings)
    {
        var binaries = FindBinaries() ?? throw new InvalidOperationException("This machine has no PostgreSQL server.");
        var server = new PostgresServer(binaries, [$"fsync={(fsync ? "on" : "off")}", .. settings]);
        try
        {
            if (Environment.IsPrivilegedProcess)
            {
                (await Command.RunAsync("chown", User, server._folder.Path)).OutputOrThrow();
            }

            var made = await Command.RunAsync(
                server.Start("initdb", "-D", server.DataFolder, "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                cancellationToken);
            made.OutputOrThrow();
            await server.StartAgainAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The connection string of one of its databases, in Npgsql's form.</summary>
    public string ConnectionStringOf(string database) => $"Host=127.0.0.1;Port={Port};Username={User};Database={database}";

    /// <summary>Creates an empty database with a new name and returns the name.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        var name = $"test_{Guid.NewGuid():N}";
        await RunSqlAsync("postgres", $"create database {name}", cancellationToken);
        return name;
    }

    /// <summary>Drops a database with all sessions on it.</summary>
    public Task DropDatabaseAsync(string name, CancellationToken cancellationToken) =>
        RunSqlAsync("postgres", $"drop database if exists {name} with (force)", cancellationToken);

    /// <summary>Runs SQL through psql and returns what it prints, bare.</summary>
    public async Task<string> RunSqlAsync(string database, string sql, CancellationToken cancellationToken)
    {
        var done = await Command.RunAsync(
            new ProcessStartInfo(
                Path.Combine(_binaries, "psql"),
                ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "-d", database, "-c", sql]),
            cancellationToken);
        return done.OutputOrThrow().Trim();
    }

    /// <summary>Starts it on the data that it has, and returns when it takes connections.</summary>
    public async Task StartAgainAsync(CancellationToken cancellationToken)
    {
        if (_process is { HasExited: false })
        {
            throw new InvalidOperationException("The PostgreSQL server is running already.");
        }

        // A killed server leaves this file. The process that has its process id now is not a PostgreSQL server on this folder.
        File.Delete(Path.Combine(DataFolder, "postmaster.pid"));
        string[] arguments =
        [
            "-D", DataFolder, "-p", $"{Port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "max_connections=200", .. _settings.SelectMany(setting => new[] { "-c", setting }),
        ];
        var start = Start("postgres", arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process?.Dispose();
        _process = Process.Start(start) ?? throw new InvalidOperationException("The PostgreSQL server did not start.");
        _pumps = Task.WhenAll(_output.PumpAsync(_process.StandardOutput), _output.PumpAsync(_process.StandardError));
        await Eventually.HoldsAsync(
            "the PostgreSQL server takes connections",
            Deadline,
            async () => _process.HasExited
                ? throw new InvalidOperationException($"The PostgreSQL server ended at once.\n{Output}")
                : (await Command.RunAsync(Path.Combine(_binaries, "pg_isready"), "-h", "127.0.0.1", "-p", $"{Port}")).ExitCode == 0,
            cancellationToken);
    }

    /// <summary>Stops it as an operator would (fast shutdown: sessions are ended) and returns when it is gone.</summary>
    public Task StopAsync() => EndAsync("INT");

    /// <summary>Kills it as a crash would: the sessions end without notice, and the next start recovers from the write-ahead log.</summary>
    public Task KillAsync() => EndAsync("QUIT");

    /// <summary>Halts the server and all its sessions (SIGSTOP): connections stay open and nothing answers.</summary>
    public Task PauseAsync() => SignalAllAsync("STOP");

    /// <summary>Lets the server continue after a pause (SIGCONT).</summary>
    public Task ContinueAsync() => SignalAllAsync("CONT");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (_process is { HasExited: false })
        {
            await ContinueAsync();
            await KillAsync();
        }

        _process?.Dispose();
        _folder.Dispose();
        await _output.DisposeAsync();
    }

    private ProcessStartInfo Start(string program, params string[] arguments)
    {
        var path = Path.Combine(_binaries, program);
        return Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", [$"--reuid={User}", $"--regid={User}", "--clear-groups", path, .. arguments]) { WorkingDirectory = "/" }
            : new ProcessStartInfo(path, arguments);
    }

    private async Task EndAsync(string signal)
    {
        await SignalAsync(signal, $"{Running.Id}");
        using var deadline = new CancellationTokenSource(Deadline);
        await Running.WaitForExitAsync(deadline.Token);
        await _pumps;
    }

    private async Task SignalAllAsync(string signal)
    {
        // The sessions are the server's direct children.
        var children = await File.ReadAllTextAsync($"/proc/{Running.Id}/task/{Running.Id}/children");
        await SignalAsync(signal, $"{Running.Id} {children}");
    }

    private static async Task SignalAsync(string signal, string processes)
    {
        // A session may end between being listed and being signalled.
        await Command.RunAsync("sh", "-c", $"kill -{signal} {processes}");
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    private static string? FindBinaries()
    {
        const string Versions = "/usr/lib/postgresql";
        var newest = Directory.Exists(Versions)
            ? Directory.GetDirectories(Versions)
                .Where(folder => int.TryParse(Path.GetFileName(folder), out _))
                .OrderByDescending(folder => int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture))
                .Select(folder => Path.Combine(folder, "bin"))
                .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            : null;
        return newest ?? (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
    }
}
