using Microsoft.Extensions.Logging.Console;

namespace AuthCluster.Server.Telemetry;

/// <summary>Logging to the console, without the framework's categories that could print what a caller sent.</summary>
internal static class LogSetup
{
    /// <summary>
    /// Categories that print query strings, header lines or bodies at their lower levels. A filter for the
    /// provider beats every level that configuration sets for a category.
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
        logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        foreach (var (category, least) in Muted)
        {
            logging.AddFilter<ConsoleLoggerProvider>(category, least);
        }
    }
}
