using AuthCluster.TestKit;

namespace AuthCluster.ServerKit;

/// <summary>The whole server in this process, built as in a process of its own: silo, listener and database.</summary>
/// <remarks>
/// It is used like <see cref="ServerProcess"/>. After the first one, each starts several times faster. Settings go to its command line, so
/// that servers side by side don't share them. A test about signals, kills, the environment or the standard streams needs a real process.
/// </remarks>
public sealed class InProcessServer : Installation
{
    /// <summary>A server takes the console while it starts, and a process has one console: so one server starts at a time.</summary>
    private static readonly SemaphoreSlim ConsoleTurn = new(1);

    private CancellationTokenSource _stop = new();

    /// <summary>A server that is not started yet.</summary>
    public InProcessServer() => this["Logging:Console:FormatterOptions:ColorBehavior"] = "Disabled";

    /// <summary>The clock of all that runs in it.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken, params string[] arguments) =>
        WithConsoleAsync(() => base.StartAsync(cancellationToken, arguments), cancellationToken);

    /// <inheritdoc/>
    public override async Task<int> RunToExitAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        var exitCode = 0;
        await WithConsoleAsync(async () => exitCode = await base.RunToExitAsync(cancellationToken, arguments), cancellationToken);
        return exitCode;
    }

    /// <summary>Asks it to stop, as SIGTERM would, and returns at once.</summary>
    public override Task BeginStopAsync() => _stop.CancelAsync();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            if (IsRunning && await StopAsync(CancellationToken.None) is not 0 and var exitCode)
            {
                throw new InvalidOperationException($"The server ended with {exitCode}.\n{Tail(OutputOfThisRun)}");
            }
        }
        finally
        {
            _stop.Dispose();
            await base.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    protected override Task<int> RunAsync(string[] arguments)
    {
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        var stop = _stop.Token;
        string[] all = [.. arguments, .. Settings.Where(setting => setting.Value is not null).Select(setting => $"--{OptionOf(setting.Key)}={setting.Value}")];
        // On the thread pool, so that nothing of the test's own context flows into the server.
        return Task.Run(() => AuthCluster.Server.Program.RunAsync(all, Clock, stop), CancellationToken.None);
    }

    /// <summary>The command-line option of a setting: .NET takes these two prefixes from environment variables alone, and leaves them out.</summary>
    private static string OptionOf(string key) =>
        key.StartsWith("ASPNETCORE_", StringComparison.Ordinal) ? key["ASPNETCORE_".Length..]
        : key.StartsWith("DOTNET_", StringComparison.Ordinal) ? key["DOTNET_".Length..]
        : key;

    private async Task WithConsoleAsync(Func<Task> start, CancellationToken cancellationToken)
    {
        await ConsoleTurn.WaitAsync(cancellationToken);
        var (output, error) = (Console.Out, Console.Error);
        try
        {
            Console.SetOut(Printed);
            Console.SetError(Printed);
            await start();
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            ConsoleTurn.Release();
        }
    }
}
