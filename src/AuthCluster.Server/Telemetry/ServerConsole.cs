using System.Text.RegularExpressions;

namespace AuthCluster.Server.Telemetry;

/// <summary>
/// The console of a running server. Logging to it never waits for a reader. It masks the ids of client grains, because such an id is
/// whatever a caller sent as a client id.
/// </summary>
internal sealed partial class ServerConsole : IDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

    private readonly QueuedWriter _output = new(Console.Out, WithoutGrainIds);
    private readonly QueuedWriter _error = new(Console.Error, WithoutGrainIds);
    private int _ended;

    /// <summary>How many lines of the log were dropped because nobody read the console.</summary>
    public long Dropped => _output.Dropped + _error.Dropped;

    /// <summary>Whether nothing waits to be written.</summary>
    public bool IsDrained => _output.IsDrained && _error.IsDrained;

    /// <summary>Builds the application so that its log goes through the queues.</summary>
    /// <remarks>
    /// The console's logger keeps the writers that it finds when it is created. Afterwards the process gets its own writers back: .NET locks
    /// <see cref="Console.Out"/> while it writes, so that must not be a queue.
    /// </remarks>
    public WebApplication Build(WebApplicationBuilder builder)
    {
        var (output, error) = (Console.Out, Console.Error);
        Console.SetOut(_output);
        Console.SetError(_error);
        try
        {
            builder.Services.AddSingleton(this);
            var app = builder.Build();
            _ = app.Services.GetServices<ILoggerProvider>().Count();
            return app;
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    /// <summary>Writes to standard output past the log, so that the text is not dropped.</summary>
    /// <returns>A task that completes when the text has been written. Where nobody reads, that is late or never.</returns>
    public static Task WriteAsync(string text) => Task.Run(() => Console.Out.WriteLine(text));

    /// <summary>Writes to standard error, and waits for it a second at most.</summary>
    public static Task TellAsync(IReadOnlyList<string> lines) => Task.WhenAny(
        Task.Run(() => Console.Error.Write(string.Concat(lines.Select(line => line + Environment.NewLine)))),
        Task.Delay(MaxWait, TimeProvider.System));

    /// <summary>Writes what is queued, for a second at most.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _output.Dispose();
            _error.Dispose();
        }
    }

    private static string WithoutGrainIds(string text) =>
        text.Contains("client/c:", StringComparison.Ordinal) ? ClientGrainId().Replace(text, "client/c:(masked)") : text;

    // No id contains a blank, a quote or a backslash, so a line of JSON stays valid; JSON escapes some characters.
    [GeneratedRegex(@"client/c:([^\s""\\]|\\u[0-9A-Fa-f]{4})+")]
    private static partial Regex ClientGrainId();
}
