using Microsoft.Extensions.Logging.Console;

namespace AuthCluster.Server.Telemetry;

/// <summary>Logging to the console, without the framework's categories that could print what a caller sent.</summary>
internal static class LogSetup
{
    /// <summary>
    /// Categories that print paths, query strings, header lines or bodies at their lower levels, each with all
    /// that lie below it. They are set after the configuration, so that no level that it gives for one of them,
    /// or for a longer name below it, turns them on.
    /// </summary>
    private static readonly (string Category, LogLevel Least)[] Muted =
    [
        ("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None),
        ("Microsoft.AspNetCore.HttpLogging", LogLevel.None),
        ("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Warning),
        ("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.None),
        ("Microsoft.AspNetCore.Routing", LogLevel.Warning),
        ("Microsoft.AspNetCore.HttpsPolicy", LogLevel.Warning),
        ("Microsoft.IdentityModel", LogLevel.Warning),
    ];

    public static void Configure(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        // Lines to read, unless Logging:Console:FormatterName asks for another form, such as json.
        logging.AddConsole();
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.FormatterName ??= ConsoleFormatterNames.Simple);
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
        logging.Services.PostConfigure<LoggerFilterOptions>(Mute);
    }

    private static void Mute(LoggerFilterOptions options)
    {
        foreach (var (category, least) in Muted)
        {
            foreach (var rule in options.Rules.Where(rule => IsBelow(rule.CategoryName, category) && (rule.LogLevel ?? LogLevel.Trace) < least).ToList())
            {
                options.Rules.Remove(rule);
            }

            options.AddFilter<ConsoleLoggerProvider>(category, least);
        }
    }

    // A rule's name may hold one wildcard. The longer name beats the shorter.
    private static bool IsBelow(string? name, string category)
    {
        if (name is null)
        {
            return false;
        }

        var start = name.Split('*')[0];
        return start.StartsWith(category, StringComparison.OrdinalIgnoreCase)
            || (name.Contains('*', StringComparison.Ordinal) && name.Length >= category.Length && category.StartsWith(start, StringComparison.OrdinalIgnoreCase));
    }
}
