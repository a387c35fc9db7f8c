using Microsoft.Extensions.Logging.Console;

namespace AuthCluster.Server.Telemetry;

/// <summary>Logging to the console, without the framework's categories that could print what a caller sent.</summary>
internal static class LogSetup
{
    /// <summary>
    /// The lowest level that may be logged, for each category and the categories below it. At lower levels these categories print paths,
    /// query strings, header lines or bodies, or they name a grain, whose name contains the id that a caller sent, perhaps a secret. No level
    /// in the configuration turns these lines on.
    /// </summary>
    private static readonly (string Category, LogLevel MinLevel)[] Muted =
    [
        ("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None),
        ("Microsoft.AspNetCore.HttpLogging", LogLevel.None),
        ("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Warning),
        ("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.None),
        ("Microsoft.AspNetCore.Routing", LogLevel.Warning),
        ("Microsoft.AspNetCore.HttpsPolicy", LogLevel.Warning),
        ("Microsoft.IdentityModel", LogLevel.Warning),
        ("Orleans", LogLevel.Warning),
        // This category logs the key of each row that it could not read. The storage gate logs the fault, with a rate limit.
        ("Orleans.Storage", LogLevel.None),
    ];

    /// <param name="logging">The logging to set up.</param>
    /// <param name="start">The start of the host, which filters the log meanwhile; null where no host is started.</param>
    public static void Configure(ILoggingBuilder logging, HostStart? start = null)
    {
        logging.ClearProviders();
        // Plain lines, unless Logging:Console:FormatterName names another format, such as json.
        logging.AddConsole();
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.FormatterName ??= ConsoleFormatterNames.Simple);
        // The logger's own queue would drop lines without counting them, so let it wait instead. In a server the wait is short: ServerConsole
        // behind the queue takes each line at once, and counts the lines that it drops. A command may wait for its reader.
        logging.Services.PostConfigure<ConsoleLoggerOptions>(options => options.QueueFullMode = ConsoleLoggerQueueFullMode.Wait);
        logging.Services.Configure<SimpleConsoleFormatterOptions>(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        logging.Services.Configure<JsonConsoleFormatterOptions>(options =>
        {
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        logging.Services.PostConfigure<LoggerFilterOptions>(options => Mute(options, start));
    }

    /// <summary>Adds the lowest allowed level to every rule, and a rule with only that for categories without one.</summary>
    private static void Mute(LoggerFilterOptions options, HostStart? start)
    {
        foreach (var (i, rule) in options.Rules.Index().ToList())
        {
            options.Rules[i] = new LoggerFilterRule(
                rule.ProviderName, rule.CategoryName, rule.LogLevel, (provider, category, level) => IsLetThrough(category, level, start) && (rule.Filter?.Invoke(provider, category, level) ?? true));
        }

        options.Rules.Insert(0, new LoggerFilterRule(null, null, options.MinLevel, (_, category, level) => IsLetThrough(category, level, start)));
    }

    private static bool IsLetThrough(string? category, LogLevel level, HostStart? start) =>
        (start is null || start.LetsThrough(category))
        && (category is null || !Array.Exists(Muted, muted => level < muted.MinLevel && category.StartsWith(muted.Category, StringComparison.OrdinalIgnoreCase)));
}
