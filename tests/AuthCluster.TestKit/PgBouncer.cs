using System.Diagnostics;

namespace AuthCluster.TestKit;

/// <summary>A test's PgBouncer in front of a <see cref="PostgresServer"/>, in transaction mode: each transaction may get another session.</summary>
/// <remarks>PgBouncer refuses to run as root, so a test that runs as root starts it as the user <c>postgres</c>. Disposing ends it.</remarks>
public sealed class PgBouncer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/pgbouncer";
    private const string User = "postgres";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly PrintedText _output = new();
    private Process? _process;
    private Task _pumps = Task.CompletedTask;

    private PgBouncer() => AppDomain.CurrentDomain.ProcessExit += OnProcessExit;

    /// <summary>The port that it listens on, on loopback only.</summary>
    public int Port { get; } = FreePorts.Take();

    /// <summary>Skips the test, or fails it in CI, when this machine has no PgBouncer.</summary>
    public static void Need()
    {
        if (!File.Exists(Program))
        {
            RequiredTool.Miss("PgBouncer (package pgbouncer)");
        }
    }

    /// <summary>Starts a PgBouncer. Call <see cref="Need"/> first.</summary>
    /// <param name="server">The server behind it.</param>
    /// <param name="sessions">How many sessions it keeps on a database.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<PgBouncer> StartAsync(PostgresServer server, int sessions, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        var pooler = new PgBouncer();
        try
        {
            await pooler.LaunchAsync(server, sessions, cancellationToken);
            return pooler;
        }
        catch
        {
            await pooler.DisposeAsync();
            throw;
        }
    }

    /// <summary>The connection string of a database, in Npgsql's form, by way of this pooler.</summary>
    public string ConnectionStringOf(string database) => $"Host=127.0.0.1;Port={Port};Username={User};Database={database}";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (_process is { HasExited: false } running)
        {
            running.Kill(entireProcessTree: true);
            await running.WaitForExitAsync(CancellationToken.None);
        }

        await _pumps;
        _process?.Dispose();
        _folder.Dispose();
        await _output.DisposeAsync();
    }

    private async Task LaunchAsync(PostgresServer server, int sessions, CancellationToken cancellationToken)
    {
        var settings = _folder.Write(
            "pgbouncer.ini",
            $"""
            [databases]
            * = host=127.0.0.1 port={server.Port} user={User}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {sessions}
            max_client_conn = 500

            """);
        var asRoot = Environment.IsPrivilegedProcess;
        if (asRoot)
        {
            (await Command.RunAsync("chown", "-R", User, _folder.Path)).OutputOrThrow();
        }

        var start = asRoot
            ? new ProcessStartInfo("setpriv", [$"--reuid={User}", $"--regid={User}", "--clear-groups", Program, settings]) { WorkingDirectory = "/" }
            : new ProcessStartInfo(Program, [settings]);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start) ?? throw new InvalidOperationException("PgBouncer did not start.");
        _pumps = Task.WhenAll(_output.PumpAsync(_process.StandardOutput), _output.PumpAsync(_process.StandardError));
        await Eventually.HoldsAsync(
            "PgBouncer takes connections",
            Deadline,
            () => _process.HasExited
                ? throw new InvalidOperationException($"PgBouncer ended at once.\n{_output}")
                : Task.FromResult(!FreePorts.IsFree(Port)),
            cancellationToken);
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        if (_process is { HasExited: false } running)
        {
            running.Kill(entireProcessTree: true);
        }
    }
}
